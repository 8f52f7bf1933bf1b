"""What stored votes say of a constitution's principles: how often each applies and decides, whether
people agree with it, and whether it leans to long answers or refusals more than they do.

Everything is counted over the judgements of one judge setting (judge, method, template, constitution
version). People are their first blind verdicts; a pair that several people read counts once, by the
mean over them. Intervals are clustered by prompt; p-values are adjusted for the number of principles.
"""

import math
from dataclasses import dataclass

import numpy as np

from cai_core.evaluate.likeness import Likeness, likeness
from cai_core.evaluate.reweigh import Reweighed, agreement_scores, without, worth_of
from cai_core.review.slant import NO_SLANT, Slant, slants
from cai_core.schema import DIFFERENCES, Row, VoteTable
from cai_core.stats import (
    NOTHING,
    Estimate,
    FloatArray,
    clustered_shares,
    false_discoveries,
    or_null,
)

SURE = 0.05  # adjusted p-value under which a lean is said to differ from people's


@dataclass(frozen=True)
class Lean:
    """A coefficient beside people's; `q` is the p-value of the gap, adjusted for the principles."""

    slant: Slant
    q: float

    @property
    def differs(self) -> bool:
        return self.q <= SURE

    def to_row(self) -> Row:
        return self.slant.to_row() | {"q": or_null(self.q)}


NO_LEAN = Lean(NO_SLANT, math.nan)


@dataclass(frozen=True)
class Standing:
    """What is known of one principle; of the label as a whole under the key "".

    `applies` is the share of judged pairs on which it voted; on the others the judge said that it
    does not apply (`not_applicable`), or gave no readable vote (`no_vote`).
    `decides` is the share of pairs with a verdict that would have another one, or none, without it,
    everything else as it is; undefined where labels cannot be computed again.
    `agreement` is with people, of the side that it takes; a tie against a side is half of one.
    """

    key: str
    voted: int
    not_applicable: int
    no_vote: int
    applies: Estimate
    decides: Estimate
    agreement: Estimate
    length: Lean = NO_LEAN
    refusal: Lean = NO_LEAN

    def to_row(self) -> Row:
        row: Row = {
            name: getattr(self, name) for name in ("key", "voted", "not_applicable", "no_vote")
        }
        row |= {name: getattr(self, name).to_row() for name in ("applies", "decides", "agreement")}
        return row | {"length": self.length.to_row(), "refusal": self.refusal.to_row()}


@dataclass(frozen=True, eq=False)
class Evidence:
    """Of every principle and of the label as a whole, over so many pairs, so many of them reviewed.

    `kept_out` more were reviewed, whose verdicts do not count: they are of the locked half.
    `without` has what the labels are without each principle, where they can be computed again.
    """

    pairs: int
    reviewed: int
    kept_out: int
    whole: Standing
    principles: tuple[Standing, ...]
    likeness: Likeness
    without: dict[str, Reweighed]

    def to_row(self) -> Row:
        row: Row = {name: getattr(self, name) for name in ("pairs", "reviewed", "kept_out")}
        row["label"] = self.whole.to_row()
        row["principles"] = [
            one.to_row() | {"without": self.without[one.key].to_row() if self.without else None}
            for one in self.principles
        ]
        return row | {"likeness": self.likeness.to_row()}


def evidence(table: VoteTable, weights: FloatArray | None, *, tie_band: float = 0.0) -> Evidence:
    """Everything that the table says.

    Args:
        weights: (k,) what the labels were made with; None where they cannot be computed again.
        tie_band: what they were made with, see `reweigh.tie_band_of`.
    """
    sides = np.c_[table.worth, worth_of(table.logits, tie_band)]  # (n, 1 + k), the label first
    removed = {} if weights is None else without(table, weights, tie_band=tie_band)
    decides = [NOTHING, *(removed[k].flips if removed else NOTHING for k in table.keys)]
    agreements = _agreements(table, sides)
    leans = _leans(table, sides)
    counts = _counts(table)
    standings = [
        Standing(key, *counts[at], decides[at], agreements[at], *leans[at])
        for at, key in enumerate(("", *table.keys))
    ]
    return Evidence(
        pairs=len(table),
        reviewed=int(table.reviewed.sum()),
        kept_out=int(table.kept_out.sum()),
        whole=standings[0],
        principles=tuple(standings[1:]),
        likeness=likeness(table, tie_band=tie_band),
        without=removed,
    )


def _counts(table: VoteTable) -> list[tuple[int, int, int, Estimate]]:
    """(voted, not applicable, no vote, the share that voted), of the label first."""
    voted = np.c_[~np.isnan(table.worth), table.voted]
    apart = np.c_[np.zeros(len(table), dtype=bool), table.not_applicable]
    shares = clustered_shares(voted.astype(np.float64), table.prompts)
    n, without_it = voted.sum(axis=0).tolist(), apart.sum(axis=0).tolist()
    return [
        (one, no, len(table) - one - no, share)
        for one, no, share in zip(n, without_it, shares, strict=True)
    ]


def _agreements(table: VoteTable, sides: FloatArray) -> list[Estimate]:
    read = table.reviewed
    scores = agreement_scores(sides[read], table.people[read])
    return clustered_shares(scores, table.prompts[read])


def _leans(table: VoteTable, sides: FloatArray) -> list[list[Lean]]:
    """One a column and a difference; the label's own is not counted among the principles'."""
    read = table.reviewed & ~np.isnan(table.differences).any(axis=1)
    found = slants(
        table.differences[read],
        sides[read],
        people=table.people_worth[read],
        prompts=table.prompts[read],
    )
    p = np.array([[one.p for one in slant] for slant in found]).reshape(-1, len(DIFFERENCES))
    q = p.copy()
    q[1:] = false_discoveries(p[1:])
    return [
        [Lean(one, float(adjusted)) for one, adjusted in zip(slant, line, strict=True)]
        for slant, line in zip(found, q, strict=True)
    ]
