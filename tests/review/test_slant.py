"""Leans to length and refusal: the truth lies in the interval, and the interval is no wider than it must be."""

import math

import numpy as np
import pytest

from cai_core.review.slant import slants
from tests.evaluate.simulated import held

VOTES, PEOPLE = (0.8, 1.0), (0.2, 0.5)  # of log2 length and of refusal


def differences(n, chance):
    return np.c_[chance.normal(0, 1.5, n), chance.choice([-1, 0, 0, 0, 1], n)]


def sides(x, coefficients, chance):
    return (x @ np.array(coefficients) + chance.logistic(size=len(x)) > 0).astype(float)


def drawn(n, chance, *, copies=1):
    """The slants of one column; each row stands `copies` times under one prompt."""
    x = differences(n, chance)
    votes, people = sides(x, VOTES, chance), sides(x, PEOPLE, chance)
    rows = np.repeat(np.arange(n), copies)
    return slants(x[rows], votes[rows, None], people=people[rows], prompts=rows)[0]


TRUTHS = [
    (lambda one: one[0].votes, VOTES[0]),
    (lambda one: one[0].people, PEOPLE[0]),
    (lambda one: one[0].gap, VOTES[0] - PEOPLE[0]),
    (lambda one: one[1].votes, VOTES[1]),
    (lambda one: one[1].gap, VOTES[1] - PEOPLE[1]),
]


@pytest.mark.parametrize("which", range(len(TRUTHS)))
@pytest.mark.parametrize(("n", "copies"), [(80, 1), (400, 1), (100, 4)])
def test_the_truth_lies_in_the_interval_and_the_interval_is_narrow(which, n, copies):
    pick, truth = TRUTHS[which]
    covered, width = held(
        lambda chance: pick(drawn(n, chance, copies=copies)), truth, times=300, seed=which
    )
    assert 0.92 <= covered <= 0.99
    assert 0.85 <= width <= 1.2


def test_a_gap_where_there_is_none_is_seldom_believed():
    chance, wrong = np.random.default_rng(5), 0
    for _ in range(300):
        x = differences(120, chance)
        votes, people = sides(x, PEOPLE, chance), sides(x, PEOPLE, chance)
        wrong += slants(x, votes[:, None], people=people, prompts=np.arange(120))[0][0].p < 0.05
    assert wrong / 300 < 0.08


def test_turning_the_sides_of_pairs_changes_nothing():
    chance = np.random.default_rng(1)
    x = differences(200, chance)
    votes, people = sides(x, VOTES, chance), sides(x, PEOPLE, chance)
    turn = chance.random(200) < 0.5
    turned = slants(
        np.where(turn[:, None], -x, x),
        np.where(turn, 1 - votes, votes)[:, None],
        people=np.where(turn, 1 - people, people),
        prompts=np.arange(200),
    )[0]
    for one, other in zip(
        slants(x, votes[:, None], people=people, prompts=np.arange(200))[0], turned, strict=True
    ):
        assert one.gap.value == pytest.approx(other.gap.value)
        assert one.votes.low == pytest.approx(other.votes.low)


def test_people_are_fitted_on_the_pairs_that_the_principle_voted_on():
    chance = np.random.default_rng(2)
    x = differences(300, chance)
    votes, people = sides(x, VOTES, chance), sides(x, PEOPLE, chance)
    there = np.arange(300) < 200
    some = slants(
        x, np.where(there, votes, np.nan)[:, None], people=people, prompts=np.arange(300)
    )[0][0]
    alone = slants(x[:200], votes[:200, None], people=people[:200], prompts=np.arange(200))[0][0]
    assert some.people.value == pytest.approx(alone.people.value)
    assert some.people.n == 200


def test_equal_votes_and_verdicts_have_no_gap():
    chance = np.random.default_rng(3)
    x = differences(100, chance)
    people = sides(x, PEOPLE, chance)
    found = slants(x, people[:, None], people=people, prompts=np.arange(100))[0][0]
    assert (found.gap.value, found.gap.low, found.gap.high) == (0.0, 0.0, 0.0)


def test_a_judge_that_always_takes_the_refusal_has_no_coefficient_for_it_but_one_for_length():
    chance = np.random.default_rng(4)
    x = differences(300, chance)
    votes = np.where(x[:, 1] == 0, sides(x, VOTES, chance), (x[:, 1] + 1) / 2)
    length, refusal = slants(
        x, votes[:, None], people=sides(x, PEOPLE, chance), prompts=np.arange(300)
    )[0]
    assert math.isnan(refusal.votes.value)
    assert math.isnan(refusal.gap.value)
    assert not math.isnan(refusal.people.value)
    assert length.votes.low < VOTES[0] < length.votes.high


def test_too_few_pairs_or_no_difference_has_no_coefficient():
    chance = np.random.default_rng(6)
    x = differences(100, chance)
    votes, people = sides(x, VOTES, chance), sides(x, PEOPLE, chance)
    few = slants(x[:15], votes[:15, None], people=people[:15], prompts=np.arange(15))[0]
    assert all(math.isnan(one.votes.value) for one in few)
    alike = np.c_[x[:, 0], np.zeros(100)]
    length, refusal = slants(alike, votes[:, None], people=people, prompts=np.arange(100))[0]
    assert math.isnan(refusal.votes.value)
    assert not math.isnan(length.votes.value)
    assert (
        slants(x[:0], votes[:0, None], people=people[:0], prompts=np.arange(0))[0][0].votes.n == 0
    )
