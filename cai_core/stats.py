"""Intervals and tests. Every estimate carries its n; what is undefined is nan."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

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


NOTHING = Estimate(math.nan, math.nan, math.nan, 0)


def wilson(successes: float, n: int, *, z: float = Z95) -> Estimate:
    """Wilson's score interval of a share (Wilson 1927); halves are allowed for ties.

    >>> str(wilson(8, 10))
    '0.80 (0.49 to 0.94, n = 10)'
    """
    if n == 0:
        return NOTHING
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Estimate(p, max(0.0, centre - half), min(1.0, centre + half), n)


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
