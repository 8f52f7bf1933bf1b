"""What an hour of reviews did."""

import math

import numpy as np

from cai_core.review.hour import hour
from cai_core.review.sample import Population, Reviewed

PEOPLE = Population(np.linspace(0.5, 1, 1000))
GIVEN = Reviewed(np.arange(0, 1000, 10), np.tile([1.0, 1.0, 1.0, 0.0], 25), np.ones(100))
WHEN = np.arange(100) * 60.0


def test_the_hour_narrows_the_interval_and_counts_what_it_repaired():
    found = hour(PEOPLE, GIVEN, WHEN, since=WHEN[40])
    assert (found.reviews, found.repaired, found.per_hour) == (60, 15, 60)
    assert (found.before.n, found.after.n) == (40, 100)
    assert found.after.width < found.before.width
    assert found.look in found.after.strata
    assert found.look.share_of_width == max(one.share_of_width for one in found.after.strata)
    assert found.words().startswith("60 reviews repaired 15 labels. The interval went from")


def test_only_ones_own_reviews_count():
    found = hour(PEOPLE, GIVEN, WHEN, since=0, mine=np.arange(100) < 10)
    assert (found.reviews, found.before.n) == (10, 90)


def test_an_hour_without_reviews_says_so():
    found = hour(PEOPLE, GIVEN, WHEN, since=1e9)
    assert found.words() == "No review of this population in the last hour."
    assert math.isnan(found.per_hour)


def test_the_first_hour_has_nothing_before_it():
    found = hour(PEOPLE, GIVEN, WHEN, since=0)
    assert found.before.n == 0
    assert "points wide" in found.words()
    nothing = Reviewed(np.zeros(0, dtype=int), np.zeros(0), np.zeros(0))
    assert hour(PEOPLE, nothing, np.zeros(0), since=0).look is None
