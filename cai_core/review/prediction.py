"""A prediction of being right from confidence and predictors, made without a pair's own verdict.

    logit P(right) = intercept + slopes . features

Slopes are pulled to 0 (a normal prior) and the intercept by half a right and half a wrong label, so
that a fit exists where all reviewed labels are right. Each fold's fit is of the other folds' reviews.
"""

from dataclasses import dataclass

import numpy as np

from cai_core.review.levels import Levels
from cai_core.review.sample import IntArray
from cai_core.stats import FloatArray, sigmoid

LEAST = 50  # reviews from which on a prediction is fitted; before, it costs more than it gives
FOLDS = 5
# Precision of the slopes' prior: with 2 and 8 the intervals in tests/bench/bench_certificate.py were
# about alike.
PULL = 2.0
_STEPS = 8


@dataclass(frozen=True, eq=False)
class Prediction:
    """P(right) of each reviewed pair (n,), and of each level (K,): the mean of the folds' fits."""

    reviewed: FloatArray
    levels: FloatArray


def prediction(
    table: Levels, level: IntArray, *, right: FloatArray, weight: FloatArray
) -> Prediction:
    """Cross-fitted; one half throughout where there are under LEAST reviews.

    Args:
        level: (n,) of the reviewed pairs. right: (n,). weight: (n,) that each counts with.
    """
    n, d = len(level), table.features.shape[1]
    if n < LEAST or d < 2:
        return Prediction(np.full(n, 0.5), np.full(len(table), 0.5))
    fold = np.arange(n) % FOLDS
    counted = np.where(fold == np.arange(FOLDS)[:, None], 0.0, weight)
    x = table.features[level]
    whole = _fits(x, right, weight[None])
    fits = _fits(x, right, counted, begin=whole)
    return Prediction(
        sigmoid(np.einsum("nd,nd->n", x, fits[fold])),
        sigmoid(fits @ table.features.T).mean(axis=0),
    )


def _fits(
    x: FloatArray, right: FloatArray, weights: FloatArray, *, begin: FloatArray | None = None
) -> FloatArray:
    """Newton's steps for all folds at once: (folds, d) of (n, d), (n,) and (folds, n).

    They begin at the fit of all reviews, where there is one: few steps are left.
    """
    d = x.shape[1]
    pull = np.r_[0.0, np.full(d - 1, PULL)]
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), d * d)
    b = np.zeros((len(weights), d))
    if begin is None:
        total, good = weights.sum(axis=1), weights @ right
        b[:, 0] = np.log((good + 0.5) / (total - good + 0.5))
    else:
        b += begin
    for _ in range(_STEPS):
        p = sigmoid(b @ x.T)
        middle = sigmoid(b[:, 0])
        score = (weights * (right - p)) @ x - pull * b
        score[:, 0] += 0.5 - middle
        bend = ((weights * p * (1 - p)) @ products).reshape(-1, d, d) + np.diag(pull)
        bend[:, 0, 0] += middle * (1 - middle)
        step = np.clip(np.linalg.solve(bend, score[:, :, None])[:, :, 0], -2.0, 2.0)
        b += step
        if np.abs(step).max() < 1e-4:
            break
    return b
