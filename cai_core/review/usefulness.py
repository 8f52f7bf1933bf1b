"""How useful it is that a person looks at a pair next, from what machines say of it alone.

A label is worth looking at where it may be wrong: it is near 50%, its two orders, principles or judges
disagree, or the learned judge (or a reward model) takes the other side. Every pair keeps a chance: sure
and wrong is found that way, and what was measured can be weighed back to all pairs.
"""

import numpy as np
from numpy.typing import ArrayLike

from cai_core.stats import FloatArray

# The least weight, the chance of being wrong that has the full one, and how fast it counts up to
# there: chosen on half of the seeds of the benchmark "useful", reported on the other half.
FLOOR = 0.1
FULL = 0.6
POWER = 2.0
# What a label is taken to be wrong with, at least: where its orders disagree it is a coin that fell;
# principles or judges that are split down the middle leave it as open as 50% does.
INCONSISTENT = 0.4
SPLIT = 0.5


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
            it learned from the pair. Where it is there it says how likely the label is to be right,
            else the label says so itself.
        All but `p` may be nan where they are not known.

    >>> usefulness([0.5, 0.99, 0.99], head=[float("nan"), 0.9, 0.1]).round(2).tolist()
    [0.73, 0.12, 1.0]
    """
    said = np.asarray(p, dtype=np.float64)
    doubts = [
        chance_wrong(said, head),
        INCONSISTENT * _known(inconsistent, said),
        SPLIT * 2 * _known(spread, said),
        SPLIT * _known(disagreement, said),
    ]
    wrong = np.where(np.isnan(said), 1.0, np.max(doubts, axis=0))
    weight: FloatArray = FLOOR + (1 - FLOOR) * np.clip(wrong / FULL, 0.0, 1.0) ** POWER
    return weight


def chance_wrong(p: FloatArray, head: ArrayLike | None) -> FloatArray:
    """(n,) P(the label's side is not the better one): by the head, else by the label itself."""
    alone = np.minimum(p, 1 - p)
    if head is None:
        return np.nan_to_num(alone, nan=1.0)
    other = np.asarray(head, dtype=np.float64)
    against = np.where(p > 0.5, 1 - other, np.where(p < 0.5, other, 0.5))
    return np.nan_to_num(np.where(np.isnan(other), alone, against), nan=1.0)


def _known(values: ArrayLike | None, like: FloatArray) -> FloatArray:
    if values is None:
        return np.zeros_like(like)
    return np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0)
