"""What a certificate is computed from: the pairs it speaks of, and those of them that were reviewed.

Only arrays, so that the statistics know neither a file nor a database.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cai_core.errors import DataError
from cai_core.stats import FloatArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Population:
    """The N pairs that a certificate speaks of, as the machine labelled them.

    Attributes:
        confidence: (N,) the label's own P(it is right): the larger of p_a and 1 - p_a, in [0.5, 1];
            nan where there is none. A p_a under 0.5 is read as 1 - p_a.
        predictors: (N, d) whatever else the machine knows that may tell right labels from wrong ones,
            such as the learned judge's P(right) or 1 where the two orders disagree; nan where unknown.
            Never anything that comes from a person's verdict of that same pair.
        known: further pairs whose label is a person's own: right by construction.
    """

    confidence: FloatArray
    predictors: FloatArray | None = None
    known: int = 0

    def __len__(self) -> int:
        return len(self.confidence)

    @property
    def total(self) -> int:
        """All pairs that the certificate speaks of."""
        return len(self.confidence) + self.known


@dataclass(frozen=True, eq=False)
class Reviewed:
    """Pairs with a first blind verdict, in the order in which the measured draws brought them up.

    Attributes:
        index: (n,) places in the population, each at most once.
        right: (n,) in [0, 1]: 1 where label and verdict agree, 0.5 for a tie against a side, the mean
            where several people read the pair.
        weight: (n,) relative weight u = 1 / (N pi) of the draw; 1 throughout for even draws.
        heaviest: the largest weight that any draw could have had, for the gate; nan where that is not
            known, and the largest seen is taken.
        ordered: False where the order of the rows is not that of the draws.
        inclusion: (n,) the probability that the pair came up at all, where that was recorded (a batch)
            rather than the chance at a draw; the order then says nothing. None otherwise.
        clusters: (n,) numbers of prompts, where the rows are not known to be drawn one by one; their
            rows then count as one draw. None otherwise.
        left_out: how many verdicts do not measure, by reason: "bad", "skip", "sighted", ...
        ties: on how many of the n pairs a verdict is a tie.
        assumes_random: the chance of coming up was not recorded for some rows, and even draws are
            assumed for them.
        repaired: the label of a reviewed pair is the person's verdict now, so that it is right.
    """

    index: IntArray
    right: FloatArray
    weight: FloatArray
    heaviest: float = math.nan
    ordered: bool = True
    inclusion: FloatArray | None = None
    clusters: IntArray | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    ties: int = 0
    assumes_random: bool = False
    repaired: bool = False

    def __len__(self) -> int:
        return len(self.index)

    def first(self, n: int) -> "Reviewed":
        """The first n of them; what was left out is not known by place and stays."""
        return self.only(np.arange(len(self)) < n)

    def only(self, kept: NDArray[np.bool_]) -> "Reviewed":
        """Some of them, in their order."""
        return replace(
            self,
            index=self.index[kept],
            right=self.right[kept],
            weight=self.weight[kept],
            inclusion=None if self.inclusion is None else self.inclusion[kept],
            clusters=None if self.clusters is None else self.clusters[kept],
        )


def checked(population: Population, reviewed: Reviewed) -> None:
    """Raises DataError: arrays that do not fit together, or a weight that is not above 0."""
    n, size = len(reviewed), len(population)
    if not n == len(reviewed.right) == len(reviewed.weight):
        raise DataError("places, verdicts and weights of the reviews must be equally many")
    if n and not (reviewed.index.min() >= 0 and reviewed.index.max() < size):
        raise DataError("a review is of a pair that is not in the population")
    if n != len(np.unique(reviewed.index)):
        raise DataError("a pair stands twice among the reviews; give its mean once")
    if not np.all((reviewed.weight > 0) & np.isfinite(reviewed.weight)):
        raise DataError("a review's weight must be above 0: its chance of coming up was not")
    if not np.all((reviewed.right >= 0) & (reviewed.right <= 1)):
        raise DataError("a review must be right from 0 to 1")
