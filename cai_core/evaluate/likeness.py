"""Which principles say the same, and which contradict each other.

A and B are in no order of merit, so every pair is counted both ways round: a vote has mean 0, the
correlation of two principles is the sum of products of their log-odds over the root of the sums of
squares, and by chance two principles take opposite sides on half of the pairs.

Intervals are clustered by prompt; that of a correlation by its influence function, on Fisher's scale.
Whether two principles contradict is asked of every couple at once, so the p-values are adjusted
(Benjamini and Hochberg 1995).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cai_core.evaluate.reweigh import worth_of
from cai_core.schema import Row, VoteTable
from cai_core.stats import (
    NOTHING,
    Estimate,
    FloatArray,
    cluster_sums,
    clustered_share_tests,
    effective_votes,
    false_discoveries,
    or_null,
    t95,
)

LEAST_TOGETHER = 10  # pairs on which both voted, for a couple to be compared
LEAST_PROMPTS = 5  # of these pairs, for an interval
SURE = 0.05  # adjusted p-value under which two principles are said to contradict
SAME = 0.7  # correlation above which, at its low end, one says half of what the other says (r^2)


@dataclass(frozen=True)
class Couple:
    """Two principles: the correlation of their log-odds, and how often they take opposite sides.

    A tie against anything counts one half. `q` is of the hypothesis that they are opposite on half of
    the pairs, adjusted for the number of couples.
    """

    one: str
    other: str
    correlation: Estimate
    opposite: Estimate
    q: float

    @property
    def contradict(self) -> bool:
        return self.q <= SURE and self.opposite.value > 0.5

    @property
    def same(self) -> bool:
        return self.correlation.low > SAME

    def to_row(self) -> Row:
        row: Row = {"principles": [self.one, self.other], "q": or_null(self.q)}
        row |= {"correlation": self.correlation.to_row(), "opposite": self.opposite.to_row()}
        return row | {"contradict": self.contradict, "same": self.same}


@dataclass(frozen=True, eq=False)
class Likeness:
    """The correlation of every two principles (k, k), nan where too few pairs have both votes.

    `effective` is how many independent votes they are worth; undefined with no more pairs than
    principles.
    """

    keys: tuple[str, ...]
    matrix: FloatArray
    effective: Estimate
    couples: tuple[Couple, ...]

    @property
    def contradicting(self) -> list[Couple]:
        """Those that contradict, the most opposite first."""
        found = [couple for couple in self.couples if couple.contradict]
        return sorted(found, key=lambda couple: -couple.opposite.value)

    @property
    def saying_the_same(self) -> list[Couple]:
        found = [couple for couple in self.couples if couple.same]
        return sorted(found, key=lambda couple: -couple.correlation.value)

    def to_row(self) -> Row:
        matrix = [list(map(or_null, line)) for line in self.matrix.tolist()]
        row: Row = {"keys": list(self.keys), "matrix": matrix, "effective": self.effective.to_row()}
        return row | {"couples": [couple.to_row() for couple in self.couples]}


def likeness(table: VoteTable, *, tie_band: float) -> Likeness:
    """Compare every two principles over the pairs on which both voted."""
    votes, there = np.nan_to_num(table.logits), table.voted
    sides = np.where(there, np.nan_to_num(2 * worth_of(table.logits, tie_band) - 1), 0.0)
    places = np.triu_indices(len(table.keys), k=1)
    compared = [
        one for at in range(len(table.keys) - 1) for one in _compare(table, votes, there, sides, at)
    ]
    adjusted = false_discoveries([p for *_, p in compared])
    couples = tuple(
        Couple(table.keys[i], table.keys[j], correlation, opposite, float(q))
        for i, j, (correlation, _, opposite, _), q in zip(*places, compared, adjusted, strict=True)
    )
    matrix = np.full((len(table.keys),) * 2, np.nan)
    matrix[places] = [couple.correlation.value for couple in couples]
    matrix.T[places] = matrix[places]
    voted = there.any(axis=0)
    matrix[voted, voted] = 1.0
    errors = np.array([error for _, error, _, _ in compared])
    return Likeness(
        table.keys, matrix, effective_number(votes, table.prompts, errors=errors), couples
    )


def _compare(
    table: VoteTable,
    votes: FloatArray,
    there: NDArray[np.bool_],
    sides: FloatArray,
    at: int,
) -> Iterator[tuple[Estimate, float, Estimate, float]]:
    """Principle `at` with each one after it: correlation, its error, share of opposite sides, p."""
    both = there[:, at, None] & there[:, at + 1 :]
    opposite = np.where(both, (1 - sides[:, at, None] * sides[:, at + 1 :]) / 2, np.nan)
    shares = clustered_share_tests(opposite, table.prompts)
    correlations = _correlations(votes, both, at, table.prompts)
    for (correlation, error), (share, p) in zip(correlations, shares, strict=True):
        if share.n < LEAST_TOGETHER:
            yield NOTHING, math.nan, NOTHING, math.nan
        else:
            yield correlation, error, share, p


def _correlations(
    votes: FloatArray, both: NDArray[np.bool_], at: int, prompts: NDArray[np.int64]
) -> Iterator[tuple[Estimate, float]]:
    """Of principle `at` with each one after it, over the pairs on which both voted; with its error."""
    with np.errstate(invalid="ignore", divide="ignore"):
        n = both.sum(axis=0)
        one, other = votes[:, at, None] * both, votes[:, at + 1 :] * both
        one /= np.sqrt(np.square(one).sum(axis=0) / n)  # mean square 1, for the influence below
        other /= np.sqrt(np.square(other).sum(axis=0) / n)
        r = (one * other).sum(axis=0) / n
        moved = (one * other - r / 2 * (np.square(one) + np.square(other))) / n
    sums = cluster_sums(moved, prompts)
    groups = (cluster_sums(both.astype(np.float64), prompts) > 0).sum(axis=0)
    errors = np.sqrt(np.square(sums).sum(axis=0) * _small(groups))
    for value, error, g, rows in zip(
        r.tolist(), errors.tolist(), groups.tolist(), n.tolist(), strict=True
    ):
        yield _fisher(value, error, g, rows), error


def _small(groups: ArrayLike) -> FloatArray:
    """For few clusters, as Fisher's z has the variance 1 / (n - 3) and not 1 / n."""
    g = np.asarray(groups, dtype=np.float64)
    return np.asarray(g / np.maximum(g - 3, 1))


def _fisher(r: float, error: float, groups: int, n: int) -> Estimate:
    if math.isnan(r) or groups < LEAST_PROMPTS:
        return Estimate(r, math.nan, math.nan, n)
    if 1 - r * r < 1e-9:
        return Estimate(r, r, r, n)
    z, half = math.atanh(r), t95(groups - 1) * error / (1 - r * r)
    return Estimate(r, math.tanh(z - half), math.tanh(z + half), n)


def effective_number(votes: FloatArray, prompts: NDArray[np.int64], errors: FloatArray) -> Estimate:
    """How many independent votes the principles are worth, see `stats.effective_votes`.

    That is k^2 over the sum of squared correlations, in which chance alone puts the square of each
    one's standard error: 16 independent votes would look like 10 on 32 pairs. It is taken out.

    Args:
        votes: (n, k) log-odds, 0 where a principle did not vote, as it leans nowhere there.
        errors: of the correlation of each couple, each couple once.
    Returns:
        Undefined with no more pairs than principles. The interval is on the log scale: by the
        influence function of the sum, and the variance that the squares of errors have themselves;
        with fewer than three pairs a principle it covers too seldom and is nan.
    """
    n, k = votes.shape
    groups = len(np.unique(prompts))
    if n <= k or groups < LEAST_PROMPTS:
        return NOTHING
    raw = effective_votes(np.concatenate([votes, -votes]))
    scale = np.sqrt(np.square(votes).mean(axis=0))
    z = votes[:, scale > 1e-9] / scale[scale > 1e-9]
    k = z.shape[1]
    noise = np.square(np.nan_to_num(errors))
    squares = min(max(k * k / raw - 2 * float(noise.sum()), float(k)), float(k * k))
    r = z.T @ z / n
    pull = 2 * (((z @ r) * z).sum(axis=1) - np.square(z) @ np.square(r).sum(axis=1)) / n
    moved = float(np.square(cluster_sums(pull, prompts)).sum()) * float(_small(groups))
    half = t95(groups - 1) * math.sqrt(moved + 8 * float(np.square(noise).sum())) / squares
    value = k * k / squares
    if n < 3 * k:
        return Estimate(value, math.nan, math.nan, n)
    return Estimate(
        value, max(1.0, value * math.exp(-half)), min(float(k), value * math.exp(half)), n
    )
