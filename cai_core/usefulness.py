"""How useful it is that a person looks at a pair next, from what machines say of it alone.

A label is worth looking at where it may be wrong: it is near 50%, its two orders, principles or judges
disagree, or the learned judge (or a reward model) takes the other side. Every pair keeps a chance: sure
and wrong is found that way, and what was measured can be weighed back to all pairs.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cai_core.stats import FloatArray

# Of a head's doubt: the least weight, the doubt that has the full one, how fast it counts up to there, and
# what counts of it where the label is at 50%. Chosen on other seeds of the benchmark "useful" than it
# reports. Without a head doubt is less certain, and its square counts.
FLOOR = 0.05
FULL = 0.6
HEAD_POWER = 4.0
POWER = 2.0
STAKE = 0.25
# What a label is doubted by, at least: where its orders disagree it is a coin that fell; principles or
# judges that are split down the middle leave it as open as 50% does.
INCONSISTENT = 0.4
SPLIT = 0.5
LEVELS = 8  # a queue keeps weights as one of these steps, FLOOR to 1 in equal ratios


def usefulness(
    p: ArrayLike,
    *,
    inconsistent: ArrayLike | None = None,
    spread: ArrayLike | None = None,
    disagreement: ArrayLike | None = None,
    head: ArrayLike | None = None,
) -> FloatArray:
    """The weight of each pair in [FLOOR, 1]: 1 is the most useful, and a pair without a label.

    Args:
        p: (n,) P(response_a is better) of the label; nan where there is none.
        inconsistent: (n,) whether its two orders disagree.
        spread: (n,) standard deviation of its principles' votes, 0 to 0.5.
        disagreement: (n,) of a panel's judges, 0 to 1.
        head: (n,) P(response_a is better) by the learned judge or a reward model, cross-fitted where
            it learned from the pair.
        All but `p` may be nan where they are not known.

    >>> usefulness([0.5, 0.99, 0.99], head=[float("nan"), 0.9, 0.1]).round(2).tolist()
    [0.71, 0.05, 1.0]
    """
    said = np.asarray(p, dtype=np.float64)
    doubts = [
        _doubt(said, head),
        _counted(INCONSISTENT * _known(inconsistent, said), POWER),
        _counted(SPLIT * 2 * _known(spread, said), POWER),
        _counted(SPLIT * _known(disagreement, said), POWER),
    ]
    most = np.where(np.isnan(said), 1.0, np.max(doubts, axis=0))
    weight: FloatArray = FLOOR + (1 - FLOOR) * most
    return weight


def chance_wrong(p: FloatArray, head: ArrayLike) -> FloatArray:
    """(n,) P(the label's side is not the better one) by the head; nan where it says nothing.

    >>> chance_wrong(np.array([0.9, 0.9, 0.5]), [0.8, 0.3, 0.3]).round(1).tolist()
    [0.2, 0.7, 0.5]
    """
    other = np.asarray(head, dtype=np.float64)
    found: FloatArray = np.where(p > 0.5, 1 - other, np.where(p < 0.5, other, 0.5))
    return np.where(np.isnan(other), np.nan, found)


def _doubt(p: FloatArray, head: ArrayLike | None) -> FloatArray:
    """How the chance of being wrong counts, 0 to 1: by the label alone, or by a head times the stake.

    A label near 50% teaches hardly anything, whichever side it falls on; one that is sure, and that the
    head is against, turns what is learned from it.
    """
    alone = _counted(np.nan_to_num(np.minimum(p, 1 - p), nan=1.0), POWER)
    if head is None:
        return alone
    wrong = chance_wrong(p, head) * (STAKE + (1 - STAKE) * np.abs(2 * p - 1))
    return np.where(np.isnan(wrong), alone, _counted(wrong, HEAD_POWER))


def _counted(doubt: FloatArray, power: float) -> FloatArray:
    counted: FloatArray = np.clip(doubt / FULL, 0.0, 1.0) ** power
    return counted


def _known(values: ArrayLike | None, like: FloatArray) -> FloatArray:
    if values is None:
        return np.zeros_like(like)
    return np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0)


def allocation(usefulness: ArrayLike) -> FloatArray:
    """The weight with which a pair is drawn: the square root of its usefulness, in (0, 1].

    A share is measured best where chances follow the deviation of what is measured (Neyman 1934), which
    for a rare error is the square root of its chance. Drawn in proportion to usefulness itself, 200
    reviews of a judge that is right in 60% or 75% measure worse than as many even draws.

    >>> allocation([0.25, 1.0]).tolist()
    [0.5, 1.0]
    """
    return np.sqrt(np.asarray(usefulness, dtype=np.float64))


def chance_of_level(level: int) -> float:
    """The weight with which a pair of this step is drawn: the `allocation` of the step's usefulness.

    >>> [round(chance_of_level(level), 3) for level in (0, LEVELS - 1)]
    [0.224, 1.0]
    """
    return float(allocation(FLOOR ** (1 - level / (LEVELS - 1))))


def nearest_level(weights: ArrayLike) -> NDArray[np.int64]:
    """The nearest step of each weight, 0 to LEVELS - 1."""
    given = np.clip(np.asarray(weights, dtype=np.float64), FLOOR, 1.0)
    steps = (LEVELS - 1) * (1 - np.log(given) / np.log(FLOOR))
    found: NDArray[np.int64] = np.rint(steps).astype(np.int64)
    return found
