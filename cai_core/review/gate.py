"""Whether the labels are surely better than a bar, however often one looks: a confidence sequence."""

from dataclasses import dataclass

from cai_core.review.sample import Population, Reviewed
from cai_core.stats import FloatArray


@dataclass(frozen=True, eq=False)
class Gate:
    """`passed` once the lower bound has lain above `bar` after any review: it stays passed.

    `bound` is the running lower bound after all n reviews; `at` the number of reviews after which it
    passed, None before; `bounds` (n,) the running bound after each review.
    """

    bar: float
    passed: bool
    bound: float
    n: int
    at: int | None
    bounds: FloatArray


def gate(population: Population, reviewed: Reviewed, *, bar: float) -> Gate:
    """Look after every review; a gate passes wrongly in at most 5% of populations, at any time."""
    raise NotImplementedError
