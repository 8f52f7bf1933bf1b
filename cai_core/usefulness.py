"""How much a person's review of a pair would tell, by what the machine says of it: the queue's weights.

Never by what people said of the pair: a weight that depends on the answer would bias what is measured.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cai_core.stats import FloatArray

FLOOR = 0.1  # of a pair that everything is sure of: enough come up to notice a judge sure and wrong
LEVELS = 8  # weights are kept as one of these steps, FLOOR to 1 in equal ratios


def usefulness(
    p: ArrayLike,
    *,
    inconsistent: ArrayLike = False,
    spread: ArrayLike = 0.0,
    disagreement: ArrayLike = 0.0,
) -> FloatArray:
    """Weights in [FLOOR, 1] with which pairs come up.

    Args:
        p: P(response_a is better), the judges' mean. inconsistent: the two orders disagree.
        spread: standard deviation of the principles' votes. disagreement: the range of the judges' p.
    """
    near = 1 - 2 * np.abs(np.asarray(p, dtype=np.float64) - 0.5)
    doubt = np.maximum.reduce(
        [
            near,
            np.where(inconsistent, 0.75, 0.0),
            np.minimum(1.0, 2 * np.asarray(spread, dtype=np.float64)),
            np.asarray(disagreement, dtype=np.float64),
        ]
    )
    weights: FloatArray = np.clip(doubt, FLOOR, 1.0)
    return weights


def weight_of_level(level: int) -> float:
    """
    >>> [round(weight_of_level(level), 3) for level in (0, LEVELS - 1)]
    [0.1, 1.0]
    """
    return float(FLOOR ** (1 - level / (LEVELS - 1)))


def levels(weights: ArrayLike) -> NDArray[np.int64]:
    """The nearest level of each weight, 0 to LEVELS - 1."""
    given = np.clip(np.asarray(weights, dtype=np.float64), FLOOR, 1.0)
    steps = (LEVELS - 1) * (1 - np.log(given) / np.log(FLOOR))
    found: NDArray[np.int64] = np.rint(steps).astype(np.int64)
    return found


def level_of(
    pairs: NDArray[np.int64],
    p: FloatArray,
    inconsistent: NDArray[np.bool_],
    spread: FloatArray,
) -> dict[int, int]:
    """The level of each pair from its judgements, one row a judgement; several on a pair are joined."""
    order = np.argsort(pairs, kind="stable")
    pairs, p = pairs[order], p[order]
    inconsistent, spread = inconsistent[order], spread[order]
    starts = np.flatnonzero(np.diff(pairs, prepend=pairs[0] - 1))
    counts = np.diff(np.append(starts, len(pairs)))
    most, least = np.maximum.reduceat(p, starts), np.minimum.reduceat(p, starts)
    found = usefulness(
        np.add.reduceat(p, starts) / counts,
        inconsistent=np.logical_or.reduceat(inconsistent, starts),
        spread=np.maximum.reduceat(spread, starts),
        disagreement=most - least,
    )
    return dict(zip(pairs[starts].tolist(), levels(found).tolist(), strict=True))
