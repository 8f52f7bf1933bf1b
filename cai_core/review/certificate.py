"""How often the labels agree with people's first blind verdicts, for a stated population."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cai_core.review.sample import Population, Reviewed
from cai_core.schema import Row
from cai_core.stats import NOTHING, Estimate


@dataclass(frozen=True)
class Stratum:
    """Pairs of one range of confidence: `size` of the population, `estimate` of them right.

    `low` and `high` are confidences; nan for the pairs that have none. `share_of_width` is the part of
    the certificate's variance that comes from here, in [0, 1].
    """

    low: float
    high: float
    size: int
    estimate: Estimate
    share_of_width: float


@dataclass(frozen=True)
class Certificate:
    """`estimate` of the labels of a population agree with first blind verdicts, `low` to `high` at 95%.

    `n` counts reviewed pairs, `population` all pairs that it speaks of, `known` those of them whose
    label is a person's own. `hash` is of all that it was computed from, `date` is ISO.
    """

    estimate: float
    low: float
    high: float
    n: int
    population: int
    assumes_random: bool = False
    known: int = 0
    ties: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    human_human: Estimate = NOTHING
    strata: tuple[Stratum, ...] = ()
    date: str = ""
    hash: str = ""

    @property
    def width(self) -> float:
        return self.high - self.low

    def words(self) -> str:
        """One sentence for a page or a model card."""
        raise NotImplementedError

    def to_row(self) -> Row:
        raise NotImplementedError

    @classmethod
    def from_row(cls, row: Row) -> "Certificate":
        raise NotImplementedError


def certificate(
    population: Population,
    reviewed: Reviewed,
    *,
    human_human: Estimate = NOTHING,
    date: str = "",
) -> Certificate:
    """The certificate of a population from the reviews of some of its pairs."""
    raise NotImplementedError


def reviews_needed(population: Population, reviewed: Reviewed, *, width: float) -> int | None:
    """How many reviews in all give an interval of this width, drawn as these were; None if unknown."""
    raise NotImplementedError
