"""How far verdicts lean to longer answers and to refusals, beside people's lean on the same pairs.

That the longer answer wins 60% is no bias by itself: the better answer may be longer. So both are
fitted alike, and compared:

    logit P(A is preferred) = length * log2(characters of A / of B) + refusal * (A refuses - B refuses)

without an intercept, since A and B are in no order: with the sides turned everything changes its
sign. `length` is the log-odds that an answer gains by being twice as long, `refusal` what it gains
by refusing where the other does not, each at the other held fixed.

One scale for both: a vote counts by the side that it takes, as a person's verdict does. Its log-odds
themselves are on no common scale with people's 1 and 0: they grow with the judge's confidence, and a
timid judge, whose log-odds are a tenth as large, would look a tenth as biased while it takes the very
same sides. So a vote's coefficient says what a person's does: how the odds of being preferred change.
A tie is one half (quasi-likelihood; Papke and Wooldridge 1996).

Intervals are clustered by prompt: the sandwich with a cluster's scores divided by one less its
leverage (as the jackknife, HC3), Student's quantile; that of the gap is of paired differences, for
both are fitted on the same pairs.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cai_core.schema import Row
from cai_core.stats import NOTHING, Estimate, FloatArray, cluster_sums, or_null, sigmoid, t95

LEAST_PAIRS = 20  # for two coefficients, by the rule of ten events a coefficient (Peduzzi 1996)
# Pairs whose answers differ in a measure, for its coefficient to be told.
LEAST_VARIED = 10
# Odds of 3,000 to 1: so far only a fit goes in which every pair went one way, and it has no end.
LARGEST = 8.0
_STEPS = 40


@dataclass(frozen=True)
class Slant:
    """One coefficient of a principle's votes, of people on the same pairs, and the votes' less theirs.

    `p` is of the hypothesis that the gap is 0.
    """

    votes: Estimate
    people: Estimate
    gap: Estimate
    p: float

    def to_row(self) -> Row:
        names = ("votes", "people", "gap")
        return {name: getattr(self, name).to_row() for name in names} | {"p": or_null(self.p)}


NO_SLANT = Slant(NOTHING, NOTHING, NOTHING, math.nan)


@dataclass(frozen=True, eq=False)
class _Fit:
    """Coefficients (columns, 2), and what each cluster moved them (clusters, columns, 2)."""

    coefficients: FloatArray
    moves: FloatArray


def slants(
    differences: FloatArray,
    votes: FloatArray,
    *,
    people: FloatArray,
    prompts: NDArray[np.int64],
    weight: FloatArray | None = None,
) -> list[tuple[Slant, ...]]:
    """The coefficients of each column of votes, beside people's on the pairs that it voted on.

    Args:
        differences: (n, d) of the answers. votes: (n, columns) sides as 1, 0.5, 0; nan without a
            vote. people: (n,) the mean of their verdicts. prompts: (n,) the prompt of each. weight: (n,)
            that each pair counts with, where pairs were not drawn alike.
    Returns:
        For each column a Slant a difference; undefined where there are too few pairs, or where each
        pair that differs in it went one way.
    """
    there = ~np.isnan(votes)
    # Most principles voted on the same pairs: people are fitted once for each set of pairs.
    sets, of_set = np.unique(there, axis=1, return_inverse=True)
    ours = np.where(sets, people[:, None], np.nan)
    made = _fit(differences, np.c_[votes, ours], prompts, weight)
    n = there.sum(axis=0).tolist()
    groups = (cluster_sums(there.astype(np.float64), prompts) > 0).sum(axis=0).tolist()
    theirs = votes.shape[1] + of_set.reshape(-1)
    return [
        tuple(
            _slant(made, (at, int(theirs[at])), feature, n=n[at], groups=groups[at])
            for feature in range(differences.shape[1])
        )
        for at in range(votes.shape[1])
    ]


def _slant(fit: _Fit, columns: tuple[int, int], feature: int, *, n: int, groups: int) -> Slant:
    mine, theirs = (float(fit.coefficients[column, feature]) for column in columns)
    moved = [fit.moves[:, column, feature] for column in columns]
    if groups < 2:
        return NO_SLANT
    gap, error = _estimate(mine - theirs, moved[0] - moved[1], n, groups)
    return Slant(
        _estimate(mine, moved[0], n, groups)[0],
        _estimate(theirs, moved[1], n, groups)[0],
        gap,
        _p_value(gap.value / error if error else math.nan, groups - 1),
    )


def _estimate(value: float, moves: FloatArray, n: int, groups: int) -> tuple[Estimate, float]:
    """The estimate and its standard error."""
    if math.isnan(value):
        return NOTHING, math.nan
    error = math.sqrt(float(np.square(moves).sum()))
    half = t95(groups - 1) * error
    return Estimate(value, value - half, value + half, n), error


def _p_value(t: float, df: int) -> float:
    from scipy.special import stdtr

    return math.nan if math.isnan(t) else float(2 * stdtr(df, -abs(t)))


def _fit(
    x: FloatArray,
    y: FloatArray,
    clusters: NDArray[np.int64],
    weight: FloatArray | None = None,
) -> _Fit:
    """Newton's steps for all columns of `y` at once; a row counts for a column where it is not nan."""
    known = (~np.isnan(y)).astype(np.float64)
    there = known if weight is None else known * weight[:, None]
    target = np.nan_to_num(y)
    varied = known.T @ (x != 0)  # (columns, d)
    used = (varied >= LEAST_VARIED) & (known.sum(axis=0)[:, None] >= LEAST_PAIRS)
    b = np.zeros(used.shape)
    for _ in range(_STEPS):
        p = sigmoid(x @ b.T)
        score = np.where(used, ((target - p) * there).T @ x, 0.0)
        step = _solved(_information(x, there * p * (1 - p), used), score)
        b = np.asarray(np.clip(b + np.clip(step, -2.0, 2.0), -2 * LARGEST, 2 * LARGEST))
        if np.abs(step).max(initial=0.0) < 1e-8:
            break
    found = np.where(used & (np.abs(b) < LARGEST), b, np.nan)
    return _Fit(found, _moves(x, (target, there, b, used), clusters))


def _information(x: FloatArray, weights: FloatArray, used: NDArray[np.bool_]) -> FloatArray:
    """(columns, d, d); unused differences have 1 on the diagonal and 0 elsewhere."""
    d = x.shape[1]
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), d * d)
    found = (weights.T @ products).reshape(-1, d, d)
    found = np.where(used[:, :, None] & used[:, None, :], found, 0.0)
    steady: FloatArray = found + np.eye(d) * np.where(used, 1e-9, 1.0)[:, None, :]
    return steady


def _solved(information: FloatArray, score: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.solve(information, score[:, :, None])[:, :, 0], dtype=np.float64)


def _moves(
    x: FloatArray,
    fitted: tuple[FloatArray, FloatArray, FloatArray, NDArray[np.bool_]],
    clusters: NDArray[np.int64],
) -> FloatArray:
    """How far each cluster moved each coefficient (clusters, columns, d)."""
    target, there, b, used = fitted
    p = sigmoid(x @ b.T)
    spread = there * p * (1 - p)
    inverse = np.linalg.inv(_information(x, spread, used))
    pull = np.einsum("nd,cde->nce", x, np.where(used[:, :, None], inverse, 0.0))  # (n, columns, d)
    leverage = cluster_sums(spread * np.einsum("nce,ne->nc", pull, x), clusters)
    sums = cluster_sums(pull * ((target - p) * there)[:, :, None], clusters)
    moves: FloatArray = sums / np.maximum(1 - leverage, 0.05)[:, :, None]
    return moves
