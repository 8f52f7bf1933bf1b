"""How many even draws reviews are worth, and the interval of a share of that many.

Korn and Graubard (1998): the exact binomial interval (Clopper and Pearson 1934) at the effective number
of draws, n over the design effect. Three things are mended for few reviews:

- Where few are wrong the variance of the residuals says little, none where none is. The design effect is
  drawn to Kish's, which is that of a confidence that explains nothing, by a weight of PRIOR cases.
- Unequal weights make the variance less sure than n says: Student's quantile, at the degrees of freedom
  of the squared weights (Satterthwaite 1946), stands for the normal one in proportion.
- The exact interval is wide because a count jumps from number to number. Weighted sums hardly jump, so
  for them it moves towards Jeffreys' as the cases grow (Brown, Cai and DasGupta 2001).

Every constant is one at which all cells of tests/bench/bench_certificate.py are covered.
"""

import math

import numpy as np

from cai_core.stats import Z95, FloatArray, t95

PRIOR = 2.0
_LEAST_DF = 4
_HEAVY = (
    1.5  # by how much heavy weights cost more degrees of freedom than Satterthwaite's formula says
)
_CASES = (
    8.0  # effective cases of the rarer kind at which a weighted interval is halfway to Jeffreys'
)
_SMEARED = 0.25  # variance of a sum of weights, in cases, from which it does not jump any more


def effective_size(
    value: float,
    variance: float,
    *,
    right: FloatArray,
    weight: FloatArray,
    drawn: FloatArray,
) -> float:
    """Even draws that give the same certainty; infinite where everything was reviewed.

    Args:
        value: the share, variance: its estimated variance. right, weight, drawn: (n,) of the reviews,
            see `Reviewed` and `augmented.draw_weights`.
    """
    n = len(right)
    kish = float(np.square(drawn).mean())
    if kish == 0:
        return math.inf
    inside = _inside(value, n)
    wrong, good = _kish(weight * (1 - right)), _kish(weight * right)
    cases = min(wrong, good)
    own = variance * n / (inside * (1 - inside)) if cases else kish
    effect = (cases * own + PRIOR * kish) / (cases + PRIOR)
    return n / effect / _widened(drawn, unevenness(weight)) ** 2


def share_interval(value: float, size: float, *, uneven: float) -> tuple[float, float]:
    """95% ends for a share at an effective number of draws, see above.

    >>> [round(end, 3) for end in share_interval(0.9, 30, uneven=0.0)]
    [0.735, 0.979]
    """
    from scipy.special import betaincinv

    if math.isinf(size):
        return value, value
    right = value * size
    wrong = size - right
    cases = min(right, wrong)
    exact = 1.0 - 0.5 * min(1.0, uneven * cases / _SMEARED) * (1 - 1 / (1 + cases / _CASES))
    low = float(betaincinv(right + 1 - exact, wrong + exact, 0.025)) if right > 0 else 0.0
    high = float(betaincinv(right + exact, wrong + 1 - exact, 0.975)) if wrong > 0 else 1.0
    return low, high


def unevenness(weight: FloatArray) -> float:
    """The squared coefficient of variation of the weights: 0 for even draws."""
    mean = float(weight.mean())
    return max(0.0, float(weight @ weight) / len(weight) / mean**2 - 1)


def _inside(value: float, n: int) -> float:
    return min(max(value, 0.5 / n), 1 - 0.5 / n)


def _kish(values: FloatArray) -> float:
    squares = float(np.square(values).sum())
    return float(values.sum()) ** 2 / squares if squares else 0.0


def _widened(drawn: FloatArray, uneven: float) -> float:
    """By how much the interval is longer than a normal one."""
    squares = np.square(drawn)
    freedom = _kish(squares) / _HEAVY - 1
    student = t95(max(_LEAST_DF, round(freedom))) / Z95
    return 1 + (student - 1) * math.sqrt(min(1.0, uneven))
