"""The pairs behind a number are the ones that it counts, the clearest first."""

import math

import numpy as np

from cai_core.evaluate.behind import against_people, decided, opposed
from cai_core.evaluate.reweigh import without
from tests.evaluate.simulated import table

VOTES = [[3.0, -1.0], [0.5, 4.0], [1.0, -3.0], [2.0, math.nan], [-5.0, 1.0]]


def test_pairs_that_a_principle_decides_are_its_flips():
    stored = table(VOTES)
    made = without(stored, np.ones(2), tie_band=0.0)
    for key in ("k0", "k1"):
        places = decided(stored, made[key]).tolist()
        assert sorted(places) == np.flatnonzero(made[key].flipped).tolist()
    assert decided(stored, made["k0"]).tolist() == [3, 4, 0]  # nothing is left of the first
    assert decided(stored, made["k1"]).tolist() == [2]


def test_pairs_on_which_people_take_the_other_side_come_surest_first():
    stored = table(VOTES, likes=[-1.0, 1.0, -1.0, math.nan, 1.0])
    assert against_people(stored, 0, tie_band=0.0).tolist() == [4, 0, 2]
    assert against_people(stored, 1, tie_band=0.0).tolist() == []


def test_pairs_on_which_two_principles_are_opposite_come_furthest_apart_first():
    assert opposed(table(VOTES), 0, 1, tie_band=0.0).tolist() == [4, 0, 2]
