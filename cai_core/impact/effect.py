"""Is a shift real? It must be told from nothing, from a template's mood, and from mere rewording.

*Effective* in a direction means: the interval of the mean signed shift excludes 0, its sign is the
same under every other template, and it is larger than 95% of what placebo edits do. Placebos are
compared by the largest standardised shift of any direction, so that looking into several directions
finds no more by chance. Everything else is "no effect shown".
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cai_core.stats import Estimate, FloatArray, clustered

LEVEL = 0.05
FEWEST_PAIRS = 5  # clusters in a direction; an interval of fewer is not worth its name


@dataclass(frozen=True)
class Measured:
    """Shifts of logit p_a from the old to the new version.

    Args:
        shifts: (templates, pairs); the first row is the judge's own template. nan: no vote.
        placebos: (placebos, pairs), under the judge's own template.
        clusters: of each pair, its prompt.
    """

    shifts: FloatArray
    placebos: FloatArray
    clusters: Sequence[Hashable]


@dataclass(frozen=True)
class DirectionEffect:
    """A mean signed shift and the three things that make it real; `p_placebo` is nan with too few."""

    estimate: Estimate
    paraphrases: tuple[float, ...]
    p_placebo: float
    placebo_bound: float  # 95% of placebos shift less than this

    @property
    def excludes_zero(self) -> bool:
        return self.estimate.n >= FEWEST_PAIRS and (self.estimate.low > 0 or self.estimate.high < 0)

    @property
    def sign_holds(self) -> bool:
        """False where there is no other template, or no vote under one."""
        wanted = math.copysign(1, self.estimate.value)
        return bool(self.paraphrases) and all(wanted * value > 0 for value in self.paraphrases)

    @property
    def beyond_placebos(self) -> bool:
        return self.p_placebo <= LEVEL

    @property
    def effective(self) -> bool:
        return self.excludes_zero and self.sign_holds and self.beyond_placebos


@dataclass(frozen=True)
class Effect:
    """Of one edit, by direction; `placebos` is their number."""

    directions: Mapping[str, DirectionEffect] = field(default_factory=dict)
    placebos: int = 0

    @property
    def effective(self) -> bool:
        return any(one.effective for one in self.directions.values())

    @property
    def enough_placebos(self) -> bool:
        """Whether a shift can be larger than 95% of them at all: 19 are needed."""
        return 1 / (self.placebos + 1) <= LEVEL


def effect(measured: Measured, directions: Mapping[str, FloatArray]) -> Effect:
    """Weigh the shifts against their noise.

    Args:
        directions: by name the sign of every pair, (pairs,): 1, -1, or 0 where it has none.
    """
    used = {name: signs for name, signs in directions.items() if _clusters(measured, signs)}
    count = int((~np.isnan(measured.placebos).all(axis=1)).sum())
    if not used:
        return Effect({}, count)
    real = np.array([_means(measured.shifts[:1], signs)[0] for signs in used.values()])
    others = np.array([_means(measured.placebos, signs) for signs in used.values()])
    p, bounds = _against_placebos(real, others)
    found = {}
    for place, (name, signs) in enumerate(used.items()):
        paraphrases = tuple(map(float, _means(measured.shifts[1:], signs)))
        estimate = _estimate(measured, signs)
        found[name] = DirectionEffect(estimate, paraphrases, float(p[place]), float(bounds[place]))
    return Effect(found, count)


def _clusters(measured: Measured, signs: FloatArray) -> int:
    seen = (signs != 0) & ~np.isnan(measured.shifts[0])
    return len({cluster for cluster, used in zip(measured.clusters, seen, strict=True) if used})


def _means(shifts: FloatArray, signs: FloatArray) -> FloatArray:
    """Mean signed shift of each row over the pairs that have a sign and a vote, (rows,)."""
    signed = np.where(signs != 0, shifts * signs, np.nan)
    count = (~np.isnan(signed)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: FloatArray = np.nansum(signed, axis=1) / count
    return means


def _estimate(measured: Measured, signs: FloatArray) -> Estimate:
    seen = np.flatnonzero((signs != 0) & ~np.isnan(measured.shifts[0])).tolist()
    values = (measured.shifts[0] * signs)[seen]
    return clustered(values, [measured.clusters[place] for place in seen]).interval()


def _against_placebos(real: FloatArray, placebos: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P(a placebo moves the judge as far in any direction), and how far 95% of them stay.

    A permutation test by rank: the edit and its placebos are scaled alike, so under no effect each
    is as likely to be the largest (maxT, Westfall and Young 1993, section 2.3).

    Args:
        real: (directions,). placebos: (directions, placebos).
    """
    placebos = placebos[:, ~np.isnan(placebos).all(axis=0)]
    count = placebos.shape[1]
    if not count:
        return np.full(len(real), np.nan), np.full(len(real), np.nan)
    everybody = np.column_stack([real, placebos])
    scale = np.sqrt(np.nanmean(everybody**2, axis=1))
    scale = np.where(scale > 0, scale, 1.0)
    largest = np.nanmax(np.abs(placebos) / scale[:, None], axis=0)
    # Where an edit and its placebos do nothing at all, nothing is larger than anything.
    at_least = (largest[None, :] >= np.abs(real / scale)[:, None]).sum(axis=1)
    p: FloatArray = (1 + at_least) / (count + 1)
    bound = np.sort(largest)[max(0, math.ceil(count * (1 - LEVEL)) - 1)]
    return p, scale * bound
