"""What an hour of reviews did, and where the next ones do most."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cai_core.review.certificate import Certificate, Stratum, certified
from cai_core.review.levels import levels
from cai_core.review.sample import Population, Reviewed
from cai_core.review.spoken import FirstSaid
from cai_core.stats import FloatArray


@dataclass(frozen=True)
class Hour:
    """The certificate without these reviews and with them.

    `reviews` were made, `repaired` of them overruled the label (a tie against a side counts half).
    `timed` of them were given one by one and not out of a file, at `per_hour` while they lasted; nan
    with fewer than two. `look` is the stratum that adds most to the width now; None where nothing was
    reviewed or nothing is uncertain.
    """

    before: Certificate
    after: Certificate
    reviews: int
    repaired: float
    timed: int
    per_hour: float
    look: Stratum | None

    def words(self) -> str:
        """Two or three sentences for the person who did it."""
        if not self.reviews:
            return "No review of this population in the last hour."
        said = f"{self.reviews} reviews repaired {self.repaired:g} labels."
        if self.before.n:
            said += f" The interval went from {_points(self.before)} to {_points(self.after)} wide."
        else:
            said += f" The interval is {_points(self.after)} wide."
        if self.look and self.look.low == self.look.low:
            said += (
                f" Most of what is left comes from labels with a confidence of {self.look.low:.0%} to"
                f" {self.look.high:.0%}."
            )
        return said


def hour(
    population: Population,
    reviewed: Reviewed,
    said: FirstSaid,
    *,
    since: float,
    mine: NDArray[np.bool_] | None = None,
) -> Hour:
    """What the reviews from `since` on did.

    Args:
        said: when each of the n reviews was given. since: in seconds since 1970. mine: (n,) whether
            it is by the person who asks; by default all are.
    """
    recent = said.when >= since
    if mine is not None:
        recent = recent & mine
    table = levels(population)
    before = certified(table, reviewed.only(~recent), known=population.known)
    after = certified(table, reviewed, known=population.known)
    timed = said.when[recent & said.alone]
    return Hour(
        before,
        after,
        int(recent.sum()),
        float((1 - reviewed.right[recent]).sum()),
        len(timed),
        _pace(timed),
        _widest(after),
    )


def _pace(when: FloatArray) -> float:
    """Reviews an hour from the first to the last; pauses count."""
    if len(when) < 2 or np.ptp(when) <= 0:
        return float("nan")
    return float((len(when) - 1) / np.ptp(when) * 3600)


def _widest(made: Certificate) -> Stratum | None:
    most = max(made.strata, key=lambda one: one.share_of_width, default=None)
    return most if most and most.share_of_width > 0 else None


def _points(made: Certificate) -> str:
    return f"{100 * made.width:.1f} points"
