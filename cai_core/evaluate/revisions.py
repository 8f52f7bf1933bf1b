"""Whether revisions beat the first answers that they were made from, at equal length.

A judge reads a revision against its first answer, in both orders, under the constitution. A longer
answer can win by its length alone, so the longer of the two is cut to about the length of the other.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cai_core.evaluate.winrate import Independence, JudgePairs, WinRate, win_rate
from cai_core.feedback.batch import Tally, batches
from cai_core.schema import ConstitutionRef, Hooks, Label, Pair, Revision, Row
from cai_core.settings import BUILTIN

BATCH = 16  # pairs judged before a row is told
QUIET = Hooks()
# How far from the exact length a sentence may end to be cut at. Between the two answers of the hh
# harmlessness pairs, the lengths then differ by 5% on average and 48% of the cuts are at a sentence;
# with 0.4 they would be 70%, and the lengths differ by 15%.
SLACK = 0.2
LEAST_WORDS = 5  # of the shorter answer: a "No." leaves nothing of the other one to compare
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*$")

LeftOut = Literal["failed", "unchanged", "empty", "looping", "too short", "equal"]


def cut_to(text: str, words: int) -> str:
    """The beginning of a text: up to the sentence end nearest to so many words, else just so many.

    >>> cut_to("One two three. Four five six. Seven eight nine ten.", 6)
    'One two three. Four five six.'
    >>> cut_to("one two three four five six", 4)
    'one two three four'
    """
    found = [match.end() for match in re.finditer(r"\S+", text)]
    if len(found) <= words:
        return text
    if words == 0:
        return ""
    least, most = int(words * (1 - SLACK)) or 1, min(int(words * (1 + SLACK)), len(found))
    ends = [n for n in range(least, most + 1) if _SENTENCE_END.search(text[: found[n - 1]])]
    return text[: found[min(ends, key=lambda n: abs(n - words)) - 1] if ends else found[words - 1]]


def at_equal_length(one: str, other: str) -> tuple[str, str]:
    """Both texts, the longer one cut to about the words of the shorter."""
    words = min(len(one.split()), len(other.split()))
    return cut_to(one, words), cut_to(other, words)


@dataclass(frozen=True)
class Duels:
    """Pairs of revision (response_a) and first answer (response_b), and what cannot be compared.

    A pair's id is the row's and the number of the round, from 1: "ID/1".
    """

    pairs: tuple[Pair, ...]
    left_out: Row = field(default_factory=dict)


def duels(revisions: Iterable[Revision], *, most: int | None = None, seed: int = 0) -> Duels:
    """Every round's revision against the first answer, of at most `most` prompts, drawn by seed."""
    rows = list(revisions)
    if most is not None and most < len(rows):
        drawn = sorted(random.Random(seed).sample(range(len(rows)), most))
        rows = [rows[place] for place in drawn]
    left_out: Counter[str] = Counter()
    pairs: list[Pair] = []
    for row in rows:
        for found in _duels_of(row):
            if isinstance(found, Pair):
                pairs.append(found)
            else:
                left_out[found] += 1
    return Duels(tuple(pairs), dict(left_out))


def _duels_of(row: Revision) -> Iterator[Pair | LeftOut]:
    if row.error or not row.rounds:
        yield "failed"
        return
    for number, (round_, flaws) in enumerate(zip(row.rounds, row.flaws, strict=True), start=1):
        revision, first = at_equal_length(round_.revision, row.initial)
        if {"empty", "unchanged"} & set(flaws):
            yield "empty" if "empty" in flaws else "unchanged"
        elif min(len(revision.split()), len(first.split())) < LEAST_WORDS:
            yield "too short"
        elif revision.strip() == first.strip():
            yield "equal"
        else:
            extra = {"round": number, "model": row.model}
            yield Pair(f"{row.id}/{number}", row.prompt, revision, first, extra=extra)


def judge_duels(
    pairs: Sequence[Pair], judge: JudgePairs, *, hooks: Hooks = QUIET
) -> Iterator[Label]:
    """One label a pair, in order, batch by batch.

    Raises:
        Stopped: as asked, between batches. ModelError: many pairs in a row failed alike.
    """
    count = Tally(len(pairs), hooks)
    for some in batches(pairs, BATCH, hooks):
        for label in judge(some):
            yield label
            count.finished(label.error or ("no verdict" if label.verdict is None else ""))


@dataclass(frozen=True)
class RevisionReport:
    """How often revisions beat their first answers, by round, who judged, and what was left out."""

    judge: str
    constitution: ConstitutionRef
    labels: tuple[Label, ...]
    left_out: Row
    independence: Independence
    judge_kin: frozenset[str] = frozenset()

    @property
    def by_round(self) -> dict[int, WinRate]:
        """The share of prompts on which the revision of that round is preferred, ties half."""
        numbers = sorted({_round_of(label) for label in self.labels})
        return {n: win_rate(one for one in self.labels if _round_of(one) == n) for n in numbers}

    @property
    def headline(self) -> bool:
        """The built-in model is at chance as a judge: judging its own kin it says nothing."""
        return self.independence.independent or BUILTIN not in (self.judge, *self.judge_kin)

    def summary(self) -> Row:
        """The result without its rows. Rounds of one prompt are one draw in the estimate of all."""
        row: Row = {"judge": self.judge, "constitution": self.constitution.to_row()}
        row |= win_rate(self.labels).to_row()
        row["rounds"] = {str(n): found.to_row() for n, found in self.by_round.items()}
        row["words"] = {"revision": self._words("response_a"), "first": self._words("response_b")}
        row |= {"left_out": self.left_out, "headline": self.headline}
        row |= {"independent": self.independence.independent}
        return row | {"independence": self.independence.reason}

    def _words(self, side: str) -> float | None:
        """Mean words of one side as it was judged; None where nothing was."""
        counts = [len(getattr(label.pair, side).split()) for label in self.labels]
        return sum(counts) / len(counts) if counts else None

    def to_row(self) -> Row:
        return {"kind": "revisions"} | self.summary() | {"rows": [x.to_row() for x in self.labels]}


def _round_of(label: Label) -> int:
    return int(label.id.rpartition("/")[2])
