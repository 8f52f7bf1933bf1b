"""Which principles say the same or contradict: intervals hold the truth, chance is not believed."""

import math

import numpy as np
import pytest

from cai_core.evaluate.likeness import likeness
from tests.evaluate.simulated import held, table


def alike(n, k, rho, chance):
    """(n, k) votes, every two of them with correlation rho."""
    own = chance.normal(size=(n, k))
    return math.sqrt(rho) * chance.normal(size=(n, 1)) + math.sqrt(1 - rho) * own


def couple_of(rho, n, chance, *, copies=1):
    one = chance.normal(size=n)
    votes = np.c_[one, rho * one + math.sqrt(1 - rho**2) * chance.normal(size=n)]
    rows = np.repeat(np.arange(n), copies)
    return likeness(table(votes[rows], prompts=rows), tie_band=0.0).couples[0]


@pytest.mark.parametrize(("n", "copies"), [(25, 1), (200, 1), (50, 4)])
@pytest.mark.parametrize("rho", [-0.8, 0.0, 0.4])
def test_the_correlation_lies_in_its_interval(rho, n, copies):
    covered, width = held(
        lambda chance: couple_of(rho, n, chance, copies=copies).correlation, rho, times=400
    )
    assert 0.92 <= covered <= 0.98
    assert 0.85 <= width <= 1.2


@pytest.mark.parametrize(("n", "copies"), [(25, 1), (200, 1), (50, 4)])
def test_the_share_of_opposite_sides_lies_in_its_interval(n, copies):
    truth = math.acos(0.4) / math.pi  # of two normals with this correlation (Sheppard 1899)
    covered, width = held(
        lambda chance: couple_of(0.4, n, chance, copies=copies).opposite, truth, times=400
    )
    assert 0.92 <= covered <= 0.985
    assert 0.85 <= width <= 1.2


@pytest.mark.parametrize(("n", "rho"), [(60, 0.3), (60, 0.1), (300, 0.1), (300, 0.6)])
def test_the_number_of_independent_votes_lies_in_its_interval(n, rho):
    truth = 16**2 / (16 + 16 * 15 * rho**2)
    covered, width = held(
        lambda chance: likeness(table(alike(n, 16, rho, chance)), tie_band=0.0).effective,
        truth,
        times=300,
    )
    assert covered >= 0.9
    assert 0.8 <= width <= 1.25


def test_chance_correlations_do_not_make_independent_votes_fewer():
    chance = np.random.default_rng(0)
    found = likeness(table(chance.normal(size=(60, 16))), tie_band=0.0).effective
    assert found.value > 14.5
    assert found.n == 60


def test_too_few_pairs_tell_no_number():
    chance = np.random.default_rng(0)
    assert math.isnan(likeness(table(alike(16, 16, 0.3, chance)), tie_band=0.0).effective.value)
    some = likeness(table(alike(30, 16, 0.3, chance)), tie_band=0.0).effective
    assert some.value > 1
    assert math.isnan(some.low)


def test_turning_the_sides_of_pairs_changes_nothing():
    chance = np.random.default_rng(1)
    votes = alike(100, 4, 0.3, chance) + 0.5
    turn = np.where(chance.random((100, 1)) < 0.5, -1, 1)
    one, other = (likeness(table(v), tie_band=0.0) for v in (votes, votes * turn))
    assert np.allclose(one.matrix, other.matrix)
    assert one.effective.value == pytest.approx(other.effective.value)
    assert [c.opposite.value for c in one.couples] == [c.opposite.value for c in other.couples]


def test_contradictions_among_many_couples_are_seldom_chance():
    """16 independent principles are 120 couples, of which 3 would be opposite by chance alone."""
    chance = np.random.default_rng(2)
    found = [likeness(table(chance.normal(size=(80, 16))), tie_band=0.0) for _ in range(100)]
    assert sum(bool(one.contradicting) for one in found) <= 10


def test_principles_that_contradict_are_found_and_named():
    chance = np.random.default_rng(3)
    votes = chance.normal(size=(200, 5))
    votes[:, 4] = -0.7 * votes[:, 1] + 0.7 * votes[:, 4]
    found = likeness(table(votes), tie_band=0.0)
    assert [(c.one, c.other) for c in found.contradicting] == [("k1", "k4")]
    assert found.contradicting[0].opposite.low > 0.5
    assert found.contradicting[0].correlation.high < 0
    assert found.matrix[1, 4] == found.matrix[4, 1] == found.contradicting[0].correlation.value


def test_principles_that_say_the_same_are_named():
    chance = np.random.default_rng(4)
    votes = chance.normal(size=(200, 3))
    votes[:, 2] = votes[:, 0] + 0.2 * votes[:, 2]
    found = likeness(table(votes), tie_band=0.0)
    assert [(c.one, c.other) for c in found.saying_the_same] == [("k0", "k2")]


def test_a_couple_is_compared_on_the_pairs_where_both_voted():
    chance = np.random.default_rng(5)
    votes = alike(100, 3, 0.5, chance)
    votes[:60, 0] = np.nan
    votes[:95, 1] = np.nan
    found = {(c.one, c.other): c for c in likeness(table(votes), tie_band=0.0).couples}
    assert found["k0", "k2"].correlation.n == 40
    alone = likeness(table(votes[60:, [0, 2]]), tie_band=0.0).couples[0]
    assert found["k0", "k2"].correlation.low == pytest.approx(alone.correlation.low)
    assert math.isnan(found["k0", "k1"].correlation.value)  # five pairs


def test_one_principle_or_none_has_no_couple():
    assert likeness(table(np.ones((30, 1))), tie_band=0.0).couples == ()
    assert likeness(table(np.ones((30, 0))), tie_band=0.0).couples == ()


def test_votes_that_are_all_one_number_are_the_same():
    found = likeness(table(np.ones((30, 2))), tie_band=0.0)
    assert found.couples[0].correlation.value == pytest.approx(1.0)
    assert found.couples[0].same
