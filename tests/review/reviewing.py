"""Simulated reviewing with known truth: populations of labels, and draws from them.

A judge's confidence is what a normal latent makes of it; its labels are right more often where the
latent is large. All kinds have the stated share of right labels on average:

    calibrated    confidence is P(right), stretched by 1.5 in log-odds: a judge that is too sure
    blind         confidence says nothing
    overconfident the surest fifth is wrong more often than the rest
    wide          confidences are spread alike whatever the share of right labels
"""

import numpy as np

from cai_core.review.sample import Population, Reviewed
from cai_core.stats import logit, sigmoid, wilson
from cai_core.usefulness import allocation, usefulness

KINDS = ("calibrated", "wide", "blind", "overconfident")


def population(kind, size, share, chance):
    """Its confidences (N,), and whether each label is right (N,)."""
    from scipy.special import ndtr

    latent = np.abs(chance.normal(size=size))
    confidence = sigmoid(1.5 * latent)
    knowing = ndtr(latent / np.tan((1 - share) * np.pi))
    if kind == "calibrated":
        confidence, right = sigmoid(1.5 * logit(knowing)), knowing
    elif kind == "wide":
        right = knowing
    elif kind == "blind":
        right = np.full(size, share)
    else:
        place = np.argsort(np.argsort(confidence)) / size
        shape = np.where(place > 0.8, 0.0, 1 + place)
        right = share + 0.9 * min(1 - share, 0.25) * (shape - shape.mean())
    return confidence, (chance.random(size) < right).astype(float)


def weights(queue, confidence):
    if queue == "even":
        return np.ones(len(confidence))
    return allocation(usefulness(confidence))


def draw(weight, n, chance):
    """n draws without replacement, each in proportion to the weights of those that are left.

    Returns their places in order, and u = 1 / (N pi) of each.
    """
    drawn = _few(weight, n, chance) if 4 * n <= len(weight) else _many(weight, n, chance)
    taken = weight[drawn]
    left = weight.sum() - np.r_[0.0, np.cumsum(taken)[:-1]]
    return drawn, left / (taken * (len(weight) - np.arange(n)))


def _few(weight, n, chance):
    """Draws with replacement, those that come up again passed over."""
    upto = np.cumsum(weight)
    drawn = np.zeros(0, dtype=np.int64)
    while len(drawn) < n:
        more = np.searchsorted(upto, chance.random(2 * n) * upto[-1], side="right")
        drawn = np.r_[drawn, more]
        drawn = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
    return drawn[:n]


def _many(weight, n, chance):
    """Each pair's clock rings after an exponential time; those that ring first, in order."""
    return np.argsort(chance.exponential(size=len(weight)) / weight)[:n]


def reviews(drawn, u, right):
    return Reviewed(drawn, right[drawn], u)


def plain_width(right, n, chance):
    """Of Wilson's interval of one plain random sample of n."""
    good = int(right.sum())
    found = wilson(chance.hypergeometric(good, len(right) - good, n), n)
    return found.high - found.low


def population_of(confidence):
    return Population(confidence)
