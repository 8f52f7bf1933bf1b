"""What a judge leans to that people do not: a place, longer answers, refusals, lists.

That longer answers win is no bias by itself: see slant.py. So what counts is the judge's coefficient less
that of people on the same pairs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cai_core.review.sample import IntArray
from cai_core.review.slant import NO_SLANT, Slant, slants
from cai_core.schema import Pair
from cai_core.stats import NOTHING, Estimate, FloatArray, wilson
from cai_core.text import answer_differences, list_difference

MEASURES = ("length", "refusal", "list")  # the columns of `differences`


@dataclass(frozen=True)
class Bias:
    """`offset` is the median pull to the first place in log-odds, `flips` the share whose verdict turns
    with the order; both over all judged pairs. `slants` are by MEASURES, over the reviewed ones.
    """

    offset: Estimate
    flips: Estimate
    slants: dict[str, Slant]


def differences(pairs: Sequence[Pair]) -> FloatArray:
    """(n, 3) how the answers of each pair differ, by MEASURES; with the sides turned, the negative."""
    rows = [
        (
            *answer_differences(pair.response_a, pair.response_b),
            list_difference(pair.response_a, pair.response_b),
        )
        for pair in pairs
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, len(MEASURES))


def position_bias(offset: FloatArray) -> Estimate:
    """The median offset with the interval of its order statistics; (N,) nan where there is none.

    The interval is exact whatever the distribution; it is nan under 6 pairs, where none has 95%.
    """
    known = np.sort(offset[~np.isnan(offset)])
    n = len(known)
    if not n:
        return NOTHING
    from scipy.stats import binom

    low = int(binom.ppf(0.025, n, 0.5))
    ends = (float(known[low - 1]), float(known[n - low])) if low >= 1 else (math.nan, math.nan)
    return Estimate(float(np.median(known)), *ends, n)


def flip_share(flipped: FloatArray) -> Estimate:
    """The share that flips of (N,) 1 and 0; nan where a pair was asked in one order only."""
    known = flipped[~np.isnan(flipped)]
    return wilson(float(known.sum()), len(known))


def leanings(
    measured: FloatArray,
    sides: FloatArray,
    *,
    people: FloatArray,
    prompts: IntArray,
    weight: FloatArray | None = None,
) -> dict[str, Slant]:
    """The judge's coefficients, people's on the same pairs, and the gap, by MEASURES.

    Args:
        measured: (n, 3) of `differences`. sides: (n,) the judge's verdict as 1, 0.5, 0. people: (n,)
            the mean of their first blind verdicts likewise. prompts: (n,) numbers of prompts, the
            draws. weight: (n,) u of the draws.
    """
    if not len(sides):
        return dict.fromkeys(MEASURES, NO_SLANT)
    (found,) = slants(measured, sides[:, None], people=people, prompts=prompts, weight=weight)
    return dict(zip(MEASURES, found, strict=True))
