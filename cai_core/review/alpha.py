"""Krippendorff's alpha: agreement of any number of people on any pairs, corrected for chance.

    alpha = 1 - observed disagreement / disagreement expected if verdicts were shuffled over all pairs

(Krippendorff, Content Analysis, 2004, chapter 11.) 1 is perfect, 0 is chance; pairs that one person read
count for nothing. *nominal*: any two different verdicts disagree alike. *ordinal*: a, tie, b stand in
a row, and a against b weighs more than a tie against either.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from cai_core.review.agreement import measuring
from cai_core.review.effective_size import PRIOR, share_interval
from cai_core.schema import Label
from cai_core.stats import NOTHING, Z95, Estimate, FloatArray, t95

Metric = Literal["nominal", "ordinal"]
METRICS: tuple[Metric, ...] = get_args(Metric)
SAID = ("a", "tie", "b")  # in the order of the ordinal scale


@dataclass(frozen=True, eq=False)
class _Patterns:
    """Pairs by what was said of them: `said` (patterns, 3) counts of verdicts, `pairs` (patterns,)."""

    said: FloatArray
    pairs: FloatArray


def alpha_of(verdicts: Iterable[Label], *, metric: Metric = "nominal") -> Estimate:
    """Of people's first blind verdicts; bad and skip say nothing."""
    counts: dict[str, list[int]] = {}
    for label in measuring(verdicts):
        if label.verdict in SAID:
            counts.setdefault(label.pair.id, [0, 0, 0])[SAID.index(label.verdict)] += 1
    return alpha(np.array(list(counts.values()), dtype=float).reshape(-1, 3), metric=metric)


def alpha(said: FloatArray, *, metric: Metric = "nominal") -> Estimate:
    """Alpha with its 95% interval, pairs as the draws; its n counts pairs with two verdicts or more.

    The interval is that of a share (observed disagreement over the largest possible) whose variance is
    the jackknife's, so that it has a width where nobody disagreed.

    Args:
        said: (pairs, 3) how many people said a, tie, b of each.
    Returns:
        nan where there are under two pairs or one verdict was given throughout.

    >>> alpha(np.array([[2, 0, 0], [0, 0, 2], [2, 0, 0], [0, 0, 2]])).value
    1.0
    """
    several = said[said.sum(axis=1) >= 2]
    n = len(several)
    if n < 2:
        return NOTHING
    patterns, pairs = np.unique(several, axis=0, return_counts=True)
    found = _Patterns(patterns, pairs.astype(np.float64))
    value, expected, largest = _alpha(found, metric)
    if math.isnan(value):
        return NOTHING
    ratio = expected / largest
    share = min((1 - value) * ratio, 1.0)
    worth = _worth(found, share, variance=_variance(found, metric) * ratio**2)
    low, high = share_interval(share, worth, uneven=math.inf)
    return Estimate(value, 1 - high / ratio, min(1.0, 1 - low / ratio), n)


def _worth(found: _Patterns, share: float, *, variance: float) -> float:
    """Pairs that say as much of the share; where few disagree the variance is drawn to a count's."""
    n = float(found.pairs.sum())
    apart = float(found.pairs[(found.said > 0).sum(axis=1) > 1].sum())
    inside = min(max(share, 0.5 / n), 1 - 0.5 / n)
    own = variance * n / (inside * (1 - inside)) * (t95(int(n) - 1) / Z95) ** 2
    return n * (apart + PRIOR) / (apart * own + PRIOR)


def _variance(found: _Patterns, metric: Metric) -> float:
    """Of alpha, by the jackknife over pairs."""
    n = float(found.pairs.sum())
    without = np.array([_without(found, place, metric) for place in range(len(found.pairs))])
    kept = ~np.isnan(without)
    weight = found.pairs[kept]
    mean = float(weight @ without[kept] / weight.sum()) if kept.any() else 0.0
    return float(weight @ np.square(without[kept] - mean)) * (n - 1) / n


def _without(found: _Patterns, place: int, metric: Metric) -> float:
    """Alpha without one pair of a pattern."""
    fewer = found.pairs.copy()
    fewer[place] -= 1
    return _alpha(_Patterns(found.said, fewer), metric)[0]


def _alpha(found: _Patterns, metric: Metric) -> tuple[float, float, float]:
    """Alpha, the expected disagreement, and the largest distance of two verdicts."""
    people = found.said.sum(axis=1)
    by_verdict = found.pairs @ found.said  # (3,)
    total = float(by_verdict.sum())
    distance = _distances(by_verdict, metric)
    within = np.einsum("pc,ck,pk->p", found.said, distance, found.said) / (people - 1)
    observed = float(found.pairs @ within) / total
    expected = float(by_verdict @ distance @ by_verdict) / (total * (total - 1))
    if expected <= 0:
        return math.nan, math.nan, math.nan
    return 1 - observed / expected, expected, float(distance.max())


def _distances(by_verdict: FloatArray, metric: Metric) -> FloatArray:
    """Squared distances of two verdicts (3, 3)."""
    if metric == "nominal":
        return 1 - np.eye(3)
    upto = np.cumsum(by_verdict) - by_verdict / 2  # the middle rank of each verdict
    squared: FloatArray = np.square(upto[:, None] - upto[None, :])
    return squared
