"""How the chance of coming up follows from usefulness, so that finding errors also measures well."""

import numpy as np
from numpy.typing import ArrayLike

from cai_core.stats import FloatArray


def allocation(usefulness: ArrayLike) -> FloatArray:
    """The weight with which a pair is drawn: the square root of its usefulness, in (0, 1].

    A share is measured best where chances follow the deviation of what is measured (Neyman 1934), which
    for a rare error is the square root of its chance. Drawn in proportion to usefulness itself, 200
    reviews of a judge that is right in 60% or 75% measure worse than as many even draws.

    >>> allocation([0.25, 1.0]).tolist()
    [0.5, 1.0]
    """
    return np.sqrt(np.asarray(usefulness, dtype=np.float64))
