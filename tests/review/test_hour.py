"""What an hour of reviews did."""

import math
from dataclasses import replace

import numpy as np

from cai_core.review.hour import hour
from cai_core.review.sample import Population, Reviewed
from cai_core.review.spoken import FirstSaid

PEOPLE = Population(np.linspace(0.5, 1, 1000))
GIVEN = Reviewed(np.arange(0, 1000, 10), np.tile([1.0, 1.0, 1.0, 0.0], 25), np.ones(100))
WHEN = np.arange(100) * 60.0
SAID = FirstSaid(WHEN, np.zeros(100, dtype=int), np.ones(100, dtype=bool))


def test_the_hour_narrows_the_interval_and_counts_what_it_repaired():
    found = hour(PEOPLE, GIVEN, SAID, since=WHEN[40])
    assert (found.reviews, found.repaired, found.per_hour) == (60, 15, 60)
    assert (found.before.n, found.after.n) == (40, 100)
    assert found.after.width < found.before.width
    assert found.look in found.after.strata
    assert found.look.share_of_width == max(one.share_of_width for one in found.after.strata)
    assert found.words().startswith("60 reviews repaired 15 labels. The interval went from")


def test_only_ones_own_reviews_count():
    found = hour(PEOPLE, GIVEN, SAID, since=0, mine=np.arange(100) < 10)
    assert (found.reviews, found.before.n) == (10, 90)


def test_reviews_out_of_a_file_repair_labels_and_have_no_pace():
    alone = np.arange(100) < 40
    when = np.where(alone, WHEN, WHEN[39])
    found = hour(PEOPLE, GIVEN, replace(SAID, when=when, alone=alone), since=0)
    assert (found.reviews, found.repaired) == (100, 25)
    assert (found.timed, found.per_hour) == (40, 60)
    found = hour(PEOPLE, GIVEN, replace(SAID, alone=np.zeros(100, dtype=bool)), since=0)
    assert (found.reviews, found.timed) == (100, 0)
    assert math.isnan(found.per_hour)


def test_an_hour_without_reviews_says_so():
    found = hour(PEOPLE, GIVEN, SAID, since=1e9)
    assert found.words() == "No review of this population in the last hour."
    assert math.isnan(found.per_hour)


def test_the_first_hour_has_nothing_before_it():
    found = hour(PEOPLE, GIVEN, SAID, since=0)
    assert found.before.n == 0
    assert "points wide" in found.words()
    nothing = Reviewed(np.zeros(0, dtype=int), np.zeros(0), np.zeros(0))
    nobody = FirstSaid(np.zeros(0), np.zeros(0, dtype=int), np.zeros(0, dtype=bool))
    assert hour(PEOPLE, nothing, nobody, since=0).look is None
