"""Intervals and tests. Every estimate carries its n; what is undefined is nan."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval and the n behind it; nan where undefined."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "–"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f}, n = {self.n})"

    def to_row(self) -> dict[str, Any]:
        """As JSON; what is undefined is null.

        >>> NOTHING.to_row()
        {'value': None, 'low': None, 'high': None, 'n': 0}
        """
        ends = {"low": or_null(self.low), "high": or_null(self.high)}
        return {"value": or_null(self.value), **ends, "n": self.n}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read what `to_row` wrote."""
        value, low, high = (or_nan(row[name]) for name in ("value", "low", "high"))
        return cls(value, low, high, row["n"])


def or_null(value: float) -> float | None:
    """The number for JSON, which has no nan and no infinity: null where it is undefined."""
    return value if math.isfinite(value) else None


def or_nan(value: float | None) -> float:
    """A number of JSON, undefined where it is null."""
    return math.nan if value is None else value


NOTHING = Estimate(math.nan, math.nan, math.nan, 0)


def wilson(successes: float, n: int, *, z: float = Z95) -> Estimate:
    """Wilson's score interval of a share (Wilson 1927); halves are allowed for ties.

    >>> str(wilson(8, 10))
    '0.80 (0.49 to 0.94, n = 10)'
    """
    if n == 0:
        return NOTHING
    p = successes / n
    return Estimate(p, *_wilson_ends(p, n, z), n)


def _wilson_ends(p: float, n: float, z: float) -> tuple[float, float]:
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(max(0.0, p * (1 - p)) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class ClusteredMean:
    """A mean over clusters that are drawn whole: its standard error (CR1) and how many there are."""

    value: float
    error: float
    clusters: int

    def interval(self, level: float = 0.95) -> Estimate:
        """With the t quantile; the ends are nan with fewer than two clusters."""
        if self.clusters < 2:
            return Estimate(self.value, math.nan, math.nan, self.clusters)
        from scipy.stats import t

        half = float(t.ppf((1 + level) / 2, self.clusters - 1)) * self.error
        return Estimate(self.value, self.value - half, self.value + half, self.clusters)

    @property
    def p(self) -> float:
        """Two-sided P(a mean as far from 0, if it is 0); nan with fewer than two clusters."""
        if self.clusters < 2:
            return math.nan
        if self.error == 0:
            return float(self.value == 0)
        from scipy.stats import t

        return float(2 * t.sf(abs(self.value) / self.error, self.clusters - 1))


def clustered(values: ArrayLike, clusters: Sequence[Hashable]) -> ClusteredMean:
    """The mean of n numbers, a cluster's (for example a prompt's) treated as one draw."""
    x = np.asarray(values, dtype=float)
    if not len(x):
        return ClusteredMean(math.nan, math.nan, 0)
    mean = float(x.mean())
    groups: dict[Hashable, float] = {}
    for value, cluster in zip(x, clusters, strict=True):
        groups[cluster] = groups.get(cluster, 0.0) + float(value) - mean
    g = len(groups)
    if g < 2:
        return ClusteredMean(mean, math.nan, g)
    variance = g / (g - 1) * sum(v * v for v in groups.values()) / len(x) ** 2
    return ClusteredMean(mean, math.sqrt(variance), g)


def clustered_mean(values: Sequence[float], clusters: Sequence[Hashable]) -> Estimate:
    """Mean with a 95% interval that treats a cluster's values as one draw; its n counts clusters."""
    return clustered(values, clusters).interval()


def cluster_sums(values: FloatArray, clusters: NDArray[np.int64]) -> FloatArray:
    """Sums over the rows of each cluster: (clusters, ...) of (n, ...).

    Where every cluster has one row they are the values as they are, in any order.
    """
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    if len(starts) == len(values):
        return values
    sums: FloatArray = np.add.reduceat(values[order], starts, axis=0)
    return sums


def clustered_means(values: FloatArray, clusters: NDArray[np.int64]) -> list[Estimate]:
    """`clustered_mean` of each column at once.

    Args:
        values: (n, columns), nan where a row does not count. clusters: (n,) numbers from 0.
    Returns:
        One estimate a column, whose n counts rows; the interval is nan with fewer than two clusters.
    """
    moments = _moments(values, clusters)
    found = []
    for m, rows, g, v in zip(*moments, strict=True):
        half = t95(g - 1) * math.sqrt(v) if g > 1 else math.nan
        found.append(Estimate(m, m - half, m + half, rows))
    return found


def clustered_shares(values: FloatArray, clusters: NDArray[np.int64]) -> list[Estimate]:
    """The mean of each column of scores in [0, 1], with Wilson's interval for clustered rows.

    Wilson's n is divided by the design effect (Kish 1965): the variance of the mean with a cluster's
    rows as one draw (CR1) over p (1 - p) / n, at least 1; its quantile is Student's. Where every
    cluster has one row this is Wilson's interval; where all scores are alike its n counts clusters.

    Args:
        values: (n, columns), nan where a row does not count. clusters: (n,) numbers from 0.
    Returns:
        One estimate a column, whose n counts rows; the interval is nan with fewer than two clusters.
    """
    return [one for one, _ in clustered_share_tests(values, clusters)]


def clustered_share_tests(
    values: FloatArray, clusters: NDArray[np.int64]
) -> list[tuple[Estimate, float]]:
    """`clustered_shares`, each with the two-sided p-value of the hypothesis 1/2 (score test)."""
    moments = _moments(values, clusters)
    return [_share_test(p, rows, g, v) for p, rows, g, v in zip(*moments, strict=True)]


def _moments(
    values: FloatArray, clusters: NDArray[np.int64]
) -> tuple[list[float], list[int], list[int], list[float]]:
    """Of each column its mean, rows, clusters, and the variance of the mean (CR1)."""
    there = ~np.isnan(values)
    n = there.sum(axis=0)
    groups = (cluster_sums(there.astype(np.float64), clusters) > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, values, 0.0).sum(axis=0) / n
        sums = cluster_sums(np.where(there, values - mean, 0.0), clusters)
        variance = groups / (groups - 1) * np.square(sums).sum(axis=0) / n**2
    return mean.tolist(), n.tolist(), groups.tolist(), variance.tolist()


def _share_test(p: float, n: int, groups: int, variance: float) -> tuple[Estimate, float]:
    from scipy.special import ndtr, stdtr

    if n == 0:
        return NOTHING, math.nan
    if groups == n:
        return wilson(p * n, n), float(2 * ndtr(-abs(2 * p - 1) * math.sqrt(n)))
    if groups < 2:
        return Estimate(p, math.nan, math.nan, n), math.nan
    within = p * (1 - p) / n
    rows = n / max(1.0, variance / within) if within > 0 else groups
    found = Estimate(p, *_wilson_ends(p, rows, t95(groups - 1)), n)
    return found, float(2 * stdtr(groups - 1, -abs(2 * p - 1) * math.sqrt(rows)))


def weighted_mean(values: FloatArray, weights: FloatArray, clusters: NDArray[np.int64]) -> Estimate:
    """A mean of n weighed numbers with a 95% interval; a cluster's rows are one draw (CR1).

    Args:
        values, weights, clusters: (n,) each. Only the ratios of the weights matter.
    """
    mean, error, groups = _weighted(values, weights, clusters)
    half = t95(groups - 1) * error if groups > 1 else math.nan
    return Estimate(mean, mean - half, mean + half, len(values)) if len(values) else NOTHING


def weighted_share(
    values: FloatArray, weights: FloatArray, clusters: NDArray[np.int64]
) -> Estimate:
    """The mean of n weighed scores in [0, 1], with Wilson's interval at the n that they are worth.

    That n is p (1 - p) over the variance of the mean (`weighted_mean`), at most (sum of cluster
    weights)^2 / sum of their squares (Kish 1965). Where nothing is weighed and each row is a cluster of
    its own this is Wilson's interval.
    """
    if not len(values):
        return NOTHING
    mean, error, groups = _weighted(values, weights, clusters)
    if groups < 2:
        return Estimate(mean, math.nan, math.nan, len(values))
    if groups == len(values) and np.ptp(weights) == 0:
        return wilson(mean * groups, groups)
    sums = cluster_sums(weights, clusters)
    worth = float(sums.sum() ** 2 / np.square(sums).sum())
    if error > 0:
        worth = min(worth, mean * (1 - mean) / error**2)
    return Estimate(mean, *_wilson_ends(mean, worth, t95(groups - 1)), len(values))


def _weighted(
    values: FloatArray, weights: FloatArray, clusters: NDArray[np.int64]
) -> tuple[float, float, int]:
    """Mean, its standard error and the number of clusters."""
    if not len(values):
        return math.nan, math.nan, 0
    mean = float(np.average(values, weights=weights))
    sums = cluster_sums(weights * (values - mean), clusters)
    groups = len(sums)
    error = math.sqrt(groups / max(1, groups - 1) * float(np.square(sums).sum())) / weights.sum()
    return mean, float(error), groups


@lru_cache(maxsize=4096)
def t95(df: int) -> float:
    """Student's 0.975 quantile."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 0.975))


def false_discoveries(p: ArrayLike) -> FloatArray:
    """Adjusted p-values (Benjamini and Hochberg 1995); nan stays nan and is not counted.

    >>> false_discoveries([0.01, 0.04, float("nan")]).tolist()
    [0.02, 0.04, nan]
    """
    from scipy.stats import false_discovery_control

    given = np.asarray(p, dtype=float)
    adjusted = np.full(given.shape, math.nan)
    known = ~np.isnan(given)
    if known.any():
        adjusted[known] = false_discovery_control(given[known])
    return adjusted


def cluster_means(values: Sequence[float], clusters: Sequence[Hashable]) -> list[float]:
    """The mean of each cluster, in the order of first sight.

    >>> cluster_means([1.0, 0.0, 1.0], ["p", "p", "q"])
    [0.5, 1.0]
    """
    found: dict[Hashable, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        found.setdefault(cluster, []).append(value)
    return [sum(some) / len(some) for some in found.values()]


def clustered_share(values: Sequence[float], clusters: Sequence[Hashable]) -> Estimate:
    """A share whose clusters (prompts) are one draw each: Wilson's interval of their means.

    Unlike that of `clustered_mean` it is wide enough where all or none have it; its n counts clusters.
    """
    means = cluster_means(values, clusters)
    return wilson(sum(means), len(means))


def sigmoid(x: ArrayLike) -> FloatArray:
    """1 / (1 + exp(-x)) without overflow."""
    values = np.asarray(x, dtype=np.float64)
    small = np.exp(-np.abs(values))
    result: FloatArray = np.where(values >= 0, 1 / (1 + small), small / (1 + small))
    return result


def logit(p: ArrayLike, *, eps: float = 1e-6) -> FloatArray:
    """log(p / (1 - p)), with p kept `eps` away from 0 and 1."""
    inside: FloatArray = np.clip(np.asarray(p, dtype=np.float64), eps, 1 - eps)
    result: FloatArray = np.log(inside) - np.log1p(-inside)
    return result


def effective_votes(votes: ArrayLike) -> float:
    """Participation ratio of the votes' correlation matrix: how many independent votes they are worth.

    Args:
        votes: (pairs, principles), at least two pairs; constant columns count as nothing.
    Returns:
        A number from 1 to the number of principles; nan where it cannot be told.
    """
    v = np.asarray(votes, dtype=float)
    if v.ndim != 2 or v.shape[0] < 2:
        return math.nan
    v = v[:, v.std(axis=0) > 1e-9]
    if v.shape[1] == 0:
        return math.nan
    if v.shape[1] == 1:
        return 1.0
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(v, rowvar=False))
    return float(eigenvalues.sum() ** 2 / np.square(eigenvalues).sum())
