"""The share of right labels by augmented inverse probability, post-stratified by confidence.

    estimate = mean of m over the population + mean of v (right - m) over the reviews

m is the cross-fitted prediction of being right: it takes out what confidence explains, and the weighted
residuals put right whatever it has wrong (Robins, Rotnitzky and Zhao 1994). v are the weights of draws
without replacement (LURE; Farquhar, Gal and Rainforth, ICLR 2021, eq. 9): v = 1 + g - g / u with
g = u (N - n) / (N - place), so that with everything reviewed v is 1 and nothing is uncertain.

The residuals are averaged within strata of confidence where they differ between them by more than
chance, else over all (a James-Stein weight), since with few reviews each stratum costs certainty.
"""

from dataclasses import dataclass

import numpy as np

from cai_core.review.levels import Levels
from cai_core.review.prediction import prediction
from cai_core.review.sample import IntArray, Reviewed
from cai_core.review.strata import strata
from cai_core.stats import FloatArray, cluster_sums


@dataclass(frozen=True, eq=False)
class Augmented:
    """The estimate of the mean, and what each of the n reviews adds to its variance.

    `pull` (n,) is how far each moved the estimate: the variance is the sum of their squares. `drawn`
    (n,) are the weights g. `stratum` (n,) and `of_level` (K,) are strata, `sizes` their pairs.
    """

    value: float
    pull: FloatArray
    drawn: FloatArray
    kept: FloatArray
    stratum: IntArray
    of_level: IntArray
    sizes: FloatArray

    def variance(self, clusters: IntArray | None = None) -> float:
        """With a cluster's reviews as one draw where clusters are given."""
        if clusters is None:
            return float(np.square(self.pull).sum())
        sums = cluster_sums(self.pull, clusters)
        return float(np.square(sums).sum()) * len(sums) / max(len(sums) - 1, 1)


def augmented(table: Levels, reviewed: Reviewed) -> Augmented:
    """The estimate over the population that the table is of; at least one review is needed."""
    level = table.of[reviewed.index]
    drawn, kept = draw_weights(reviewed, table.size)
    guess = prediction(table, level, right=reviewed.right, weight=kept)
    of_level = strata(table, level)
    stratum = of_level[level]
    parts = int(of_level.max(initial=0)) + 1
    sizes = np.bincount(of_level, table.counts, minlength=parts).astype(np.float64)
    # The prediction of a reviewed pair is the one made without it.
    predicted = float(table.counts @ guess.levels)
    predicted += float((guess.reviewed - guess.levels[level]).sum())
    residual = reviewed.right - guess.reviewed
    shared = _Shared.of(residual, kept, stratum=stratum, sizes=sizes)
    value = predicted / table.size + shared.mean
    pull = shared.pull(residual, drawn, kept=kept, stratum=stratum)
    return Augmented(value, pull, drawn, kept, stratum, of_level, sizes)


def draw_weights(reviewed: Reviewed, size: int) -> tuple[FloatArray, FloatArray]:
    """g, with which a review counts in the variance, and v, with which in the mean; each (n,)."""
    n = len(reviewed)
    u = reviewed.weight
    if reviewed.inclusion is not None:  # a batch: the chance to be left out (Hajek 1964)
        return u * np.sqrt(1 - reviewed.inclusion), u
    if not reviewed.ordered:
        # The mean of (N - n) / (N - place) over places, and of its square.
        factor = -np.log1p(-n / size) * (size - n) / n if n < size else 0.0
        return np.sqrt(1 - n / size) * u, 1 + factor * (u - 1)
    left = np.maximum(size - np.arange(1, n + 1), 1)
    factors = (size - n) / left
    return factors * u, 1 + factors * (u - 1)


@dataclass(frozen=True, eq=False)
class _Shared:
    """Means of residuals by stratum, drawn to their common mean: `own` is the strata's share."""

    mean: float
    own: float
    by_stratum: FloatArray
    totals: FloatArray
    sizes: FloatArray

    @classmethod
    def of(
        cls, residual: FloatArray, kept: FloatArray, *, stratum: IntArray, sizes: FloatArray
    ) -> "_Shared":
        parts = len(sizes)
        totals = np.bincount(stratum, kept, minlength=parts).astype(np.float64)
        means = np.bincount(stratum, kept * residual, minlength=parts) / totals
        common = float(kept @ residual / totals.sum())
        own = 0.0
        if parts > 1:
            noise = np.bincount(stratum, np.square(kept * (residual - common)), minlength=parts)
            apart = np.square(means - common) * np.square(totals) / np.maximum(noise, 1e-12)
            own = max(0.0, 1 - 2 * (parts - 1) / max(float(apart.sum()), 1e-12))
        shares = sizes / sizes.sum()
        mean = own * float(shares @ means) + (1 - own) * common
        return cls(mean, own, own * means + (1 - own) * common, totals, shares)

    def pull(
        self, residual: FloatArray, drawn: FloatArray, *, kept: FloatArray, stratum: IntArray
    ) -> FloatArray:
        """Of each review; for one less its own share (HC2), and twice where weights differ (HC3)."""
        in_stratum = self.own / self.totals[stratum]
        in_all = (1 - self.own) / self.totals.sum()
        share = np.minimum(kept * (in_stratum + in_all), 0.8)
        weight = drawn * (self.sizes[stratum] * in_stratum + in_all)
        moved: FloatArray = weight * (residual - self.by_stratum[stratum])
        moved /= np.sqrt(1 - share) if np.ptp(kept) < 1e-9 else 1 - share
        return moved
