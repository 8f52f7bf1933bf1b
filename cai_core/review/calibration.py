"""Whether a judge's confidence means what it says, and the temperature that makes it so.

    calibrated p_a = sigmoid(logit(p_a) / T)

without an intercept, since A and B stand in no order: a judge that is too sure has T above 1. A weak prior
(log T normal with deviation 2) holds T where few reviews could send it anywhere. Everything is of people's first blind verdicts (a 1, tie 0.5, b 0), weighted as they were drawn.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cai_core.review.effective_size import effective_size, share_interval, unevenness
from cai_core.stats import NOTHING, Estimate, FloatArray, logit, sigmoid, t95

BINS = 10
LEAST = 10  # reviews in a bin, and at all for a temperature
_EPS = 1e-4  # a p_a nearer to 0 or 1 is read as this near: one sure and wrong must not decide alone
_COLDEST, _HOTTEST = 0.05, 20.0
_FOLDS = 10
_PULL = 0.25  # the precision of the prior of log T


@dataclass(frozen=True, eq=False)
class Heard:
    """What a judge and people said of n pairs: p_a, people's mean verdict as p, and the weights u."""

    p_a: FloatArray
    said: FloatArray
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.p_a)


@dataclass(frozen=True)
class Bin:
    """Reviews of one range of confidence: what it says on average, and how many were right."""

    low: float
    high: float
    stated: float
    right: Estimate


@dataclass(frozen=True)
class Calibration:
    """How a judge's p_a fits people's verdicts: of both scores, lower is better."""

    bins: tuple[Bin, ...]
    brier: Estimate
    log_loss: Estimate


@dataclass(frozen=True)
class Temperature:
    """T with its interval, and the log loss without and with it, each review's T fitted without it.

    `gain` is the first less the second, over the same reviews: above 0 it helps.
    """

    value: Estimate
    before: Estimate
    after: Estimate
    gain: Estimate


def calibration(heard: Heard) -> Calibration:
    """The reliability diagram in bins of equally many reviews, Brier score and log loss."""
    return Calibration(
        reliability(heard),
        _mean(np.square(heard.p_a - heard.said), heard.weight),
        _mean(_loss(logit(heard.p_a, eps=_EPS), heard.said), heard.weight),
    )


def reliability(heard: Heard, *, most: int = BINS) -> tuple[Bin, ...]:
    """By the confidence of the label, from 0.5 to 1, so that a and b count alike."""
    bins = min(most, len(heard) // LEAST)
    if not bins:
        return ()
    confidence = np.maximum(heard.p_a, 1 - heard.p_a)
    right = np.where(heard.p_a >= 0.5, heard.said, 1 - heard.said)
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    return tuple(_bin(confidence[part], right[part], heard.weight[part]) for part in parts)


def _bin(confidence: FloatArray, right: FloatArray, weight: FloatArray) -> Bin:
    value = float(weight @ right / weight.sum())
    moved = weight * (right - value) / weight.sum()
    variance = float(np.square(moved).sum()) * len(right) / max(len(right) - 1, 1)
    worth = effective_size(
        value, variance, right=right, weight=weight, drawn=weight / weight.mean()
    )
    ends = share_interval(value, worth, uneven=unevenness(weight))
    stated = float(weight @ confidence / weight.sum())
    low, high = float(confidence.min()), float(confidence.max())
    return Bin(low, high, stated, Estimate(value, *ends, len(right)))


def apply(temperature: float, p_a: ArrayLike) -> FloatArray:
    """Calibrated p_a; nan stays nan, and 0.5 stays 0.5.

    >>> apply(2.0, [0.5, 0.9]).round(2).tolist()
    [0.5, 0.75]
    """
    return sigmoid(logit(p_a) / temperature)


def temperature(heard: Heard) -> Temperature | None:
    """Fitted by the weighted log loss, with its effect cross-fitted; None under 10 reviews."""
    if len(heard) < LEAST:
        return None
    x, said, weight = logit(heard.p_a, eps=_EPS), heard.said, heard.weight
    slope = _slope(x, said, weight)
    fold = np.arange(len(x)) % _FOLDS
    others = np.array(
        [_slope(x[fold != k], said[fold != k], weight[fold != k]) for k in range(_FOLDS)]
    )
    before, after = _loss(x, said), _loss(x * others[fold], said)
    return Temperature(
        _with_interval(slope, x, said=said, weight=weight),
        _mean(before, weight),
        _mean(after, weight),
        _mean(before - after, weight),
    )


def _slope(x: FloatArray, said: FloatArray, weight: FloatArray) -> float:
    """1 / T by bisection of the score of log T; kept between the hottest and coldest T."""
    low, high = 1 / _HOTTEST, 1 / _COLDEST
    for _ in range(60):
        middle = math.sqrt(low * high)
        score = middle * float((weight * x) @ (said - sigmoid(middle * x))) - _PULL * math.log(
            middle
        )
        low, high = (middle, high) if score > 0 else (low, middle)
    return math.sqrt(low * high)


def _with_interval(
    slope: float, x: FloatArray, *, said: FloatArray, weight: FloatArray
) -> Estimate:
    """T, its interval that of log T by the sandwich, the prior as one more observation."""
    n, p = len(x), sigmoid(slope * x)
    bends = weight * np.square(slope * x) * p * (1 - p)
    bend = float(bends.sum()) + _PULL
    score = weight * slope * x * (said - p) / (1 - np.minimum(bends / bend, 0.8))
    error = math.sqrt(float(np.square(score).sum()) + _PULL) / bend
    reach = math.exp(min(t95(n - 1) * error, 50.0))
    return Estimate(1 / slope, 1 / slope / reach, reach / slope, n)


def _loss(x: FloatArray, said: FloatArray) -> FloatArray:
    """Log loss of each review at log-odds x: log(1 + e^x) - said x, without overflow."""
    loss: FloatArray = np.logaddexp(0.0, x) - said * x
    return loss


def _mean(values: FloatArray, weight: FloatArray) -> Estimate:
    """The weighted mean with a t interval."""
    n = len(values)
    if not n:
        return NOTHING
    value = float(weight @ values / weight.sum())
    if n < 2:
        return Estimate(value, math.nan, math.nan, n)
    moved = weight * (values - value) / weight.sum()
    half = t95(n - 1) * math.sqrt(float(np.square(moved).sum()) * n / (n - 1))
    return Estimate(value, value - half, value + half, n)
