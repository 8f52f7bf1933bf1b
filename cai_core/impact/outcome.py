"""Both versions' judgements on every pair, made of the votes that were asked or stored."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from cai_core.feedback.votes import verdict_of
from cai_core.impact.asking import Answered
from cai_core.impact.effect import Measured
from cai_core.impact.plan import MAIN, PLACEBOS, Part, Plan, Side, combined
from cai_core.schema import Pair, Row, Verdict, chat_row, content_hash
from cai_core.stats import FloatArray, logit, sigmoid

Votes = Mapping[str, float]


@dataclass(frozen=True)
class Judged:
    """One pair under both versions; `old` and `new` are P(response_a is better), None without a vote.

    `votes` has (old, new) of each touched principle. `meant` says that a touched principle made the
    old verdict: it was drawn for this pair, or without it the verdict would have been another.
    """

    pair: Pair
    old: float | None
    new: float | None
    votes: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    tie_band: float = 0.0
    meant: bool = False
    error: str = ""

    @property
    def shift(self) -> float:
        """Of logit p_a from the old to the new version; nan where one has none."""
        return _shift((self.old, self.new))

    def vote_shift(self, key: str) -> float:
        return _shift(self.votes.get(key, (None, None)))

    @property
    def verdicts(self) -> tuple[Verdict | None, Verdict | None]:
        old, new = (
            None if p is None else verdict_of(p, self.tie_band) for p in (self.old, self.new)
        )
        return old, new

    @property
    def flip(self) -> bool:
        """Whether both have a verdict and they differ."""
        old, new = self.verdicts
        return old is not None and new is not None and old != new

    @property
    def prompt_id(self) -> str:
        return content_hash(chat_row(self.pair.prompt))

    def to_row(self) -> Row:
        old, new = self.verdicts
        row = self.pair.to_row() | {"p_old": self.old, "p_new": self.new}
        row |= {"verdict_old": old, "verdict_new": new, "flip": self.flip}
        row |= {"meant": self.meant}
        row["votes"] = {key: list(both) for key, both in self.votes.items()}
        return row | ({"error": self.error} if self.error else {})

    @classmethod
    def from_row(cls, row: Row, tie_band: float = 0.0) -> "Judged":
        ours = {"p_old", "p_new", "verdict_old", "verdict_new", "flip", "meant", "votes", "error"}
        pair = Pair.from_row({k: v for k, v in row.items() if k not in ours})
        votes = {key: (both[0], both[1]) for key, both in row["votes"].items()}
        error = row.get("error", "")
        return cls(pair, row["p_old"], row["p_new"], votes, tie_band, row["meant"], error)


def _shift(both: tuple[float | None, float | None]) -> float:
    old, new = both
    return float("nan") if old is None or new is None else float(logit(new) - logit(old))


def judged(
    plan: Plan,
    answers: Iterable[Answered],
    *,
    known: Mapping[str, Votes] | None = None,
    tie_band: float = 0.0,
) -> list[Judged]:
    """Every pair of the main part under both versions.

    Args:
        known: votes that were not asked, by pair id and question id.
    """
    main = [answered for answered in answers if answered.part == MAIN]
    return [_judged(plan, one, (known or {}).get(one.pair.id, {}), tie_band) for one in main]


def _judged(plan: Plan, answered: Answered, known: Votes, tie_band: float) -> Judged:
    if answered.error:
        return Judged(answered.pair, None, None, error=answered.error, tie_band=tie_band)
    votes = {**known, **answered.votes}
    touched = {
        key: (_vote(votes, old), _vote(votes, new)) for key, (old, new) in plan.votes.items()
    }
    old, new = (_p(combined(side, votes)) for side in (plan.old, plan.new))
    meant = _meant(plan, answered.pair, votes, old, tie_band)
    return Judged(answered.pair, old, new, touched, tie_band, meant)


def _meant(plan: Plan, pair: Pair, votes: Votes, old: float | None, tie_band: float) -> bool:
    """`principle` on the pair names the one that was drawn for its judgement."""
    if drawn := pair.extra.get("principle"):
        return drawn in plan.votes
    touched = {id for id, _ in plan.votes.values() if id}
    rest = tuple(entry for entry in plan.old if entry[0] not in touched)
    without = _p(combined(rest, votes)) if len(rest) < len(plan.old) else None
    if old is None or without is None:
        return False
    return verdict_of(old, tie_band) != verdict_of(without, tie_band)


def _vote(votes: Votes, id: str | None) -> float | None:
    return votes.get(id) if id else None


def _p(odds: float) -> float | None:
    return None if np.isnan(odds) else float(sigmoid(odds))


def measured(
    plan: Plan,
    answers: Sequence[Answered],
    pairs: Sequence[Judged],
    *,
    known: Mapping[str, Votes] | None = None,
) -> Measured:
    """The shifts of these pairs under every template, and those of the placebos."""
    said: dict[str, dict[str, Answered]] = {}
    for answered in answers:
        said.setdefault(answered.part, {})[answered.pair.id] = answered
    stored = {
        one.pair.id: {**(known or {}).get(one.pair.id, {}), **said[MAIN][one.pair.id].votes}
        for one in pairs
    }
    shifts = [np.array([one.shift for one in pairs])]
    for part in plan.checks():
        if part.name != PLACEBOS and part.name in said:
            rows = said[part.name]
            moved = [_moved(plan, part, rows.get(id), votes) for id, votes in stored.items()]
            shifts.append(np.array(moved))
    placebos = _placebo_shifts(plan, said.get(PLACEBOS, {}), stored)
    return Measured(np.stack(shifts), placebos, [one.prompt_id for one in pairs])


def _moved(plan: Plan, part: Part, answered: Answered | None, stored: Votes) -> float:
    """Under another template; nan where a question that was asked there has no vote there.

    A vote of the main template would not do: two templates would be mixed in one shift.
    """
    asked = {*part.questions, *part.drawn}
    if answered is None or answered.error or not asked <= set(answered.votes):
        return float("nan")
    votes = {**stored, **answered.votes}
    return combined(plan.new, votes) - combined(plan.old, votes)


def _placebo_shifts(
    plan: Plan, rows: Mapping[str, Answered], stored: Mapping[str, Votes]
) -> FloatArray:
    """(placebos, pairs), nan where a reworded question has no vote; no placebo without one vote."""
    before = {id for id, _ in plan.base}
    found = np.array(
        [
            [
                _placebo_shift(plan, side, {id for id, _ in side} - before, rows.get(id), votes)
                for id, votes in stored.items()
            ]
            for side in plan.placebos
        ],
        float,
    ).reshape(len(plan.placebos), len(stored))
    kept: FloatArray = found[~np.isnan(found).all(axis=1)]
    return kept


def _placebo_shift(
    plan: Plan, side: Side, reworded: Set[str], answered: Answered | None, stored: Votes
) -> float:
    if answered is None or answered.error or not reworded <= set(answered.votes):
        return float("nan")
    votes = {**stored, **answered.votes}
    return combined(side, votes) - combined(plan.base, votes)
