"""Labels computed again from stored votes: other weights, or without one principle. No model is asked.

A label is the weighted mean of its votes in log-odds, exactly as `feedback.votes.tally` makes it, so
its verdict under other weights follows from its votes alone, where every principle voted by itself
(`each`) and one judge asked. Not to be known again is the mass of single votes: a label stays one
however much mass is left when a principle goes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cai_core.schema import Constitution, Row, VoteTable, judges_of
from cai_core.stats import Estimate, FloatArray, clustered_means, clustered_shares, sigmoid

# Votes are stored as float32: two that were exactly opposite, as counted verdicts often are, sum to
# some 1e-8 instead of 0, and a tie must stay one.
_ROUNDING = 1e-6


def why_not(principles: str, annotator: str, *, known: bool) -> str:
    """Why labels of a judge setting cannot be computed again; empty where they can.

    Args:
        principles: how the judge was asked. annotator: whose labels they are.
        known: whether the constitution that they were made under is at hand, for its weights.
    """
    if principles == "whole":
        return "the judge was asked of the whole constitution at once, so that no principle voted"
    if principles == "draw":
        return "one principle was drawn for each pair, so that no label has the votes of the others"
    if len(judges_of(annotator)) > 1:
        return "a panel made these labels, and its votes are means over judges whose verdicts count"
    if not known:
        return "the constitution that they were made under is not here, so its weights are unknown"
    return ""


def weights_in(constitution: Constitution, keys: Sequence[str]) -> FloatArray:
    """(k,) the weights of these principles; 0 of those that are disabled or not there."""
    found = {p.key: p.weight for p in constitution.enabled}
    return np.array([found.get(key, 0.0) for key in keys], dtype=np.float64)


def log_odds(table: VoteTable, weights: FloatArray) -> FloatArray:
    """(n,) log-odds of p_a under these weights; nan where no principle with a weight voted."""
    total = table.voted @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: FloatArray = np.where(
            total > 0, np.nan_to_num(table.logits) @ weights / total, np.nan
        )
    return mean


def worth_of(logits: FloatArray, tie_band: float) -> FloatArray:
    """Verdicts as 1 (A), 0.5 (tie), 0 (B), as `feedback.votes.verdict_of` gives them; nan stays."""
    lean = sigmoid(logits) - 0.5
    side = np.where(np.abs(lean) <= max(tie_band, _ROUNDING), 0.5, (lean > 0).astype(float))
    worth: FloatArray = np.where(np.isnan(lean), np.nan, side)
    return worth


def tie_band_of(table: VoteTable, given: float) -> float:
    """The tie band that the verdicts were made with, which labels do not name.

    Returns:
        `given` (the workspace's) where it explains every verdict, else the largest lean of a tie.
    """
    lean = np.abs(table.p - 0.5)
    tied = float(np.max(lean[table.worth == 0.5], initial=0.0))
    sided = float(np.min(lean[np.isin(table.worth, (0.0, 1.0))], initial=math.inf))
    return given if tied <= given < sided else tied


def agreement_scores(worth: FloatArray, people: FloatArray) -> FloatArray:
    """How far verdicts agree with people's on each pair, the mean over them; nan where undefined.

    A tie against a side is half an agreement, as in `review.agreement`.

    Args:
        worth: (n, ...) verdicts as 1, 0.5, 0. people: (n, 3) how many said a, tie, b.
    """
    with np.errstate(invalid="ignore"):
        shares = people / people.sum(axis=1, keepdims=True)
    a, tie, b = (shares[:, i].reshape(-1, *[1] * (worth.ndim - 1)) for i in range(3))
    scores: FloatArray = np.select(
        [worth == 1, worth == 0.5, worth == 0],
        [a + tie / 2, tie + (a + b) / 2, b + tie / 2],
        default=np.nan,
    )
    return scores


@dataclass(frozen=True, eq=False)
class Reweighed:
    """What the labels become, a row a pair, and how far that differs from what they are.

    `flips` is the share of pairs with a verdict that get another one, or none (`lost` of them).
    `before` and `after` are the agreement with people on the pairs that have a verdict under both,
    and `change` the second less the first, prompt by prompt.
    """

    p_a: FloatArray
    worth: FloatArray
    flipped: NDArray[np.bool_]
    flips: Estimate
    lost: int
    before: Estimate
    after: Estimate
    change: Estimate

    def to_row(self) -> Row:
        names = ("flips", "before", "after", "change")
        return {name: getattr(self, name).to_row() for name in names} | {"lost": self.lost}


def reweigh(table: VoteTable, weights: FloatArray, *, tie_band: float) -> Reweighed:
    """The labels under other weights (0 where a principle is taken away)."""
    return _compared(table, log_odds(table, weights)[:, None], tie_band)[0]


def without(table: VoteTable, weights: FloatArray, *, tie_band: float) -> dict[str, Reweighed]:
    """The labels without each principle, all at once.

    Args:
        weights: (k,) what the labels were made with.
    """
    weighted = np.nan_to_num(table.logits) * weights  # (n, k)
    shares = table.voted * weights
    left = shares.sum(axis=1, keepdims=True) - shares
    left[left < 1e-9 * max(1.0, float(weights.sum()))] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = (weighted.sum(axis=1, keepdims=True) - weighted) / left
    rest[left == 0] = np.nan
    return dict(zip(table.keys, _compared(table, rest, tie_band), strict=True))


def _compared(table: VoteTable, logits: FloatArray, tie_band: float) -> list[Reweighed]:
    """(n, columns) log-odds against the labels as they are, a column at a time."""
    worth = worth_of(logits, tie_band)
    had = ~np.isnan(table.worth)[:, None]
    lost = had & np.isnan(worth)
    flipped = had & (lost | (worth != table.worth[:, None]))
    flips = clustered_shares(np.where(had, flipped, np.nan), table.prompts)
    p_a = sigmoid(logits)
    agreements = _agreements(table, worth)
    return [
        Reweighed(
            p_a[:, at], worth[:, at], flipped[:, at], flips[at], int(lost[:, at].sum()), *three
        )
        for at, three in enumerate(agreements)
    ]


def _agreements(table: VoteTable, worth: FloatArray) -> Iterator[tuple[Estimate, ...]]:
    """(before, after, change) of each column, over the pairs with a verdict under both."""
    read = table.reviewed
    people, prompts = table.people[read], table.prompts[read]
    new = agreement_scores(worth[read], people)
    old = np.where(np.isnan(new), np.nan, agreement_scores(table.worth[read], people)[:, None])
    new = np.where(np.isnan(old), np.nan, new)
    before, after = clustered_shares(old, prompts), clustered_shares(new, prompts)
    return zip(before, after, clustered_means(new - old, prompts), strict=True)


def unexplained(table: VoteTable, weights: FloatArray, *, tie_band: float) -> int:
    """Labels whose verdict is not the one of their own votes: made otherwise than is believed."""
    worth = worth_of(log_odds(table, weights), tie_band)
    known = ~np.isnan(table.worth)
    return int((known & (worth != table.worth)).sum())
