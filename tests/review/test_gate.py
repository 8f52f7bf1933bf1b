"""A gate passes labels that are surely better than a bar, and looking often does not fool it."""

import numpy as np
import pytest

from cai_core.review.certificate import certified
from cai_core.review.gate import CAPITAL, capital, gate
from cai_core.review.levels import levels
from cai_core.review.sample import Population, Reviewed
from tests.review import reviewing


def draws(queue, share, *, n, chance, size=2000):
    confidence, right = reviewing.population("calibrated", size, share, chance)
    more = round(share * size) - int(right.sum())
    turned = chance.choice(np.flatnonzero(right == (more < 0)), abs(more), replace=False)
    right[turned] = 1 - right[turned]
    weight = reviewing.weights(queue, confidence)
    drawn, u = reviewing.draw(weight, n, chance)
    heaviest = weight.mean() / weight.min()
    return Population(confidence), Reviewed(drawn, right[drawn], u, heaviest=heaviest)


@pytest.mark.parametrize("queue", ["even", "useful"])
def test_labels_at_the_bar_pass_in_at_most_one_of_twenty_however_often_one_looks(queue):
    chance = np.random.default_rng(0)
    passed = 0
    for _ in range(300):
        population, reviewed = draws(queue, 0.8, n=300, chance=chance)
        fortune = capital(reviewed, len(population), bars=np.array([0.8]))[0]
        assert fortune.min() >= 0
        passed += fortune.max() >= CAPITAL
    assert passed / 300 <= 0.05


def test_a_fixed_interval_that_is_looked_at_again_and_again_passes_more_often():
    chance = np.random.default_rng(1)
    fooled = 0
    for _ in range(60):
        population, reviewed = draws("even", 0.8, n=300, chance=chance)
        table = levels(population)
        looks = (certified(table, reviewed.first(n)).low > 0.8 for n in range(20, 301, 10))
        fooled += any(looks)
    assert fooled / 60 > 0.05


@pytest.mark.parametrize("queue", ["even", "useful"])
def test_labels_well_above_the_bar_pass_within_a_few_hundred(queue):
    chance = np.random.default_rng(2)
    at = [gate(*draws(queue, 0.92, n=300, chance=chance), bar=0.8).at for _ in range(40)]
    assert np.median([n or np.inf for n in at]) < 120


def test_the_running_bound_never_falls_and_lies_under_the_truth():
    chance = np.random.default_rng(3)
    population, reviewed = draws("useful", 0.9, n=400, chance=chance)
    found = gate(population, reviewed, bar=0.7)
    assert np.all(np.diff(found.bounds) >= 0)
    assert 0.8 < found.bound < 0.9
    assert found.passed
    assert found.bounds[found.at - 2] <= 0.7 <= found.bounds[-1]


def test_what_was_seen_of_a_small_population_is_known_for_certain():
    population = Population(np.full(10, 0.8))
    found = gate(population, Reviewed(np.arange(9), np.ones(9), np.ones(9)), bar=0.8)
    assert found.passed
    assert found.bound > 0.85
    assert not gate(population, Reviewed(np.arange(7), np.ones(7), np.ones(7)), bar=0.95).passed


def test_repaired_and_own_labels_count_towards_the_bar():
    right = np.r_[np.ones(60), np.zeros(30)]
    chance = np.random.default_rng(0)
    chance.shuffle(right)
    given = Reviewed(np.arange(90), right, np.ones(90))
    plain = gate(Population(np.full(100, 0.8)), given, bar=0.9)
    mended = Reviewed(np.arange(90), right, np.ones(90), repaired=True)
    assert not plain.passed
    assert gate(Population(np.full(100, 0.8)), mended, bar=0.9).passed
    assert gate(Population(np.full(100, 0.8), known=10_000), given, bar=0.9).passed


def test_nothing_reviewed_passes_nothing():
    empty = Reviewed(np.zeros(0, dtype=int), np.zeros(0), np.zeros(0))
    assert not gate(Population(np.full(10, 0.8)), empty, bar=0.1).passed
