"""What many judgements show together: how much their votes are worth, and how a panel got on."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cai_core.schema import Label, Row
from cai_core.stats import effective_votes

MOST = 2000  # judgements whose votes are looked at: the matrix of 16 votes takes 256 kB


@dataclass(frozen=True)
class VotesWorth:
    """How many independent votes the principles of some judgements are worth.

    `effective` is nan with no more pairs than principles: a correlation of so few says nothing.
    """

    principles: int
    effective: float
    pairs: int

    @property
    def sentence(self) -> str:
        """
        >>> VotesWorth(18, 2.31, 120).sentence
        '18 principles, worth 2.3 independent votes (120 pairs)'
        """
        if math.isnan(self.effective):
            return (
                f"{self.principles} principles; {self.pairs} pairs are too few to tell how many"
                " independent votes they are worth"
            )
        votes = "vote" if f"{self.effective:.1f}" == "1.0" else "votes"
        worth = f"{self.effective:.1f} independent {votes}"
        return f"{self.principles} principles, worth {worth} ({self.pairs} pairs)"

    def to_row(self) -> Row:
        """As JSON; what cannot be told is null."""
        known = None if math.isnan(self.effective) else round(self.effective, 2)
        return {"principles": self.principles, "effective": known, "pairs": self.pairs}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "VotesWorth":
        known = row["effective"]
        return cls(row["principles"], math.nan if known is None else known, row["pairs"])


def votes_worth(votes: Sequence[Mapping[str, float]]) -> VotesWorth | None:
    """The participation ratio of the votes' correlation; None where no pair has several votes.

    Args:
        votes: each pair's votes by principle. A principle that had none on a pair leans nowhere
            there, 0.5.
    """
    several = [one for one in votes if len(one) > 1]
    if not several:
        return None
    keys = list(dict.fromkeys(key for one in several for key in one))
    table = [[one.get(key, 0.5) for key in keys] for one in several]
    worth = effective_votes(table) if len(table) > len(keys) else math.nan
    return VotesWorth(len(keys), worth, len(table))


@dataclass(frozen=True)
class Findings:
    """What a run of judgements showed; the disagreement and the failures are of a panel.

    `cut` counts labels on answers that were cut, `abstained` votes that were not given.
    """

    votes: VotesWorth | None
    judged: int
    disagreement: float | None = None
    compared: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    cut: int = 0
    fewer_examples: int = 0
    abstained: int = 0

    @property
    def sentences(self) -> list[str]:
        said = [self.votes.sentence] if self.votes else []
        if self.cut:
            said.append(f"{self.cut} of {self.judged} on answers that were cut")
        if self.fewer_examples:
            said.append(f"{self.fewer_examples} with fewer examples than asked for")
        if self.abstained:
            mean = self.abstained / self.judged
            said.append(f"{mean:.1f} principles a pair did not apply")
        if self.disagreement is not None:
            said.append(
                f"two judges of the panel differ on {self.disagreement:.0%} of pairs"
                f" ({self.compared} pairs)"
            )
        return said + [
            f"{judge} had no verdict on {n} of {self.judged} pairs"
            for judge, n in self.failures.items()
            if n
        ]

    def to_row(self) -> Row:
        row: Row = {"cut": self.cut}
        if self.votes:
            row["effective_votes"] = self.votes.to_row()
        for name in ("fewer_examples", "abstained"):
            if getattr(self, name):
                row[name] = getattr(self, name)
        if self.failures:
            row["panel"] = {"disagreement": self.disagreement, "pairs": self.compared}
            row["panel"]["without_verdict"] = dict(self.failures)
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Findings":
        """From the result of a judging command, which counts its rows."""
        votes, panel = row.get("effective_votes"), row.get("panel") or {}
        return cls(
            VotesWorth.from_row(votes) if votes else None,
            int(row.get("rows") or 0),
            panel.get("disagreement"),
            int(panel.get("pairs") or 0),
            panel.get("without_verdict") or {},
            *(int(row.get(name) or 0) for name in ("cut", "fewer_examples", "abstained")),
        )


def tell_of(labels: Iterable[Label]) -> Findings:
    """What these judgements show; they are read one by one, and the votes of the first `MOST` kept."""
    votes: list[Mapping[str, float]] = []
    differing, compared = 0.0, 0
    failures: Counter[str] = Counter()
    judged = cut = fewer = abstained = 0
    for label in labels:
        judged += 1
        cut += bool(label.extra.get("characters_left_out"))
        fewer += label.extra.get("examples_shown") is not None
        abstained += len(label.not_applicable)
        if len(label.votes) > 1 and len(votes) < MOST:
            votes.append(label.votes)
        failures.update({ballot.judge: ballot.verdict is None for ballot in label.panel})
        if label.disagreement is not None:
            differing, compared = differing + label.disagreement, compared + 1
    mean = differing / compared if compared else None
    worth = votes_worth(votes)
    return Findings(worth, judged, mean, compared, failures, cut, fewer, abstained)
