"""Whether the labels are surely better than a bar, however often one looks: a confidence sequence.

A 95% interval that is looked at after every review, until it lies above the bar, lies more often than 5%
of the time. Here a gambler bets against "no more than x of the labels are right", at odds that are fair
if x is the truth; a fortune of 20 times the stake is as unlikely under it as 1 in 20, at any time
(Ville 1939; Waudby-Smith and Ramdas, JRSS B 2024, with draws without replacement as in their section 5).

After each review the capital is multiplied by 1 + bet (u (right - m) - c): u is the weight of the draw,
m the share that was right so far, and c the largest mean that u (right - m) can have over the pairs that
are left, if x is the truth. A bet stays under 1 / (c + heaviest u times m), so that no draw can make
the capital negative. Gamblers who risk different shares of that, for m and for 0 in its place, share
the stake: their mean capital is as fair as each.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cai_core.review.sample import Population, Reviewed, checked
from cai_core.stats import FloatArray

CAPITAL = 20.0  # 1 / 0.05
_RISKS = (0.03, 0.08, 0.18, 0.35, 0.55, 0.8)
_COARSE = 0.01  # between the bars among which the running bound is sought
_COARSER = 0.04  # the same, where there are many reviews
_MANY = 5_000
_FINE = 0.0025  # for the bound after all reviews


@dataclass(frozen=True, eq=False)
class Gate:
    """`passed` once the lower bound has lain above `bar` after any review: it stays passed.

    `bound` is the running lower bound after all n reviews; `at` the number of reviews after which it
    passed, None before; `bounds` (n,) the running bound after each review, in coarser steps.
    """

    bar: float
    passed: bool
    bound: float
    n: int
    at: int | None
    bounds: FloatArray


def gate(population: Population, reviewed: Reviewed, *, bar: float) -> Gate:
    """Look after every review; in at most 5% of the worst populations does it ever pass wrongly.

    The reviews stand in the order in which they were drawn. Where the labels of reviewed pairs were
    repaired, or some are a person's own, the bar is of all labels as they stand.
    """
    checked(population, reviewed)
    size, known, n = len(population), population.known, len(reviewed)
    if not n:
        return Gate(bar, False, 0.0, 0, None, np.zeros(0))
    exact = max((bar * (size + known) - known) / size, 0.0)
    step = _COARSE if n <= _MANY else _COARSER
    beaten = _beaten(reviewed, size, np.append(np.arange(0, 1, step), exact))
    shares = np.maximum(np.logical_and.accumulate(beaten[:-1]).sum(axis=0) - 1, 0) * step
    finer = shares[-1] + np.arange(0, step, _FINE)
    last = _beaten(reviewed, size, finer)[:, -1]
    shares[-1] = finer[max(int(np.logical_and.accumulate(last).sum()) - 1, 0)]
    wrong = np.cumsum(1 - reviewed.right) if reviewed.repaired else np.zeros(n)
    bounds = np.maximum.accumulate((shares * size + wrong + known) / (size + known))
    over = np.flatnonzero((bounds > bar) | beaten[-1])
    at = int(over[0]) + 1 if len(over) else None
    return Gate(bar, at is not None, float(bounds[-1]), n, at, bounds)


def _beaten(reviewed: Reviewed, size: int, bars: FloatArray) -> NDArray[np.bool_]:
    """Whether each bar was refuted at or before each review: (bars, n)."""
    return np.maximum.accumulate(capital(reviewed, size, bars=bars) >= CAPITAL, axis=1)


def capital(reviewed: Reviewed, size: int, *, bars: FloatArray) -> FloatArray:
    """The gamblers' mean capital against each bar after each review: (bars, n)."""
    n, right, u = len(reviewed), reviewed.right, reviewed.weight
    left = size - np.arange(n)
    before = np.r_[0.0, np.cumsum(right)[:-1]]
    weighed = np.r_[0.0, np.cumsum(u)[:-1]]
    so_far = (2.0 + np.r_[0.0, np.cumsum(u * right)[:-1]]) / (4.0 + weighed)  # begins at one half
    heaviest = float(u.max()) if math.isnan(reviewed.heaviest) else reviewed.heaviest
    rest = (
        bars[:, None] * size - before
    ) / left  # (bars, n): the share right of those that are left
    mean = np.zeros_like(rest)
    for m in (np.minimum(so_far, 1.0), np.zeros(n)):
        room = np.where(rest > 0, rest + (heaviest - 1) * m, np.inf)
        gain = (u * (right - m) - (rest - m)) / room
        for risk in _RISKS:
            mean += np.exp(np.minimum(np.cumsum(np.log1p(risk * gain), axis=1), 500.0))
    # More right ones were seen than the bar has: it cannot be the truth.
    impossible = bars[:, None] * size - np.cumsum(right) < -1e-9
    return np.where(impossible, np.inf, mean / (2 * len(_RISKS)))
