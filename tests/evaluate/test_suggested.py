"""Weights that reviews suggest: known ones are found again, chance is not sold as better."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cai_core.evaluate.suggested import LEAST, MOST, learnable, suggest
from tests.evaluate.simulated import table

K = 16
FEW = np.array([3.0, 2, 2, 1] + [0] * 12)


def reviewed(n, chance, truth=None, *, sure=2.0, **more):
    """Votes that share half of their variance; people follow them by these weights, or nothing."""
    votes = chance.normal(size=(n, 1)) + chance.normal(size=(n, K))
    likes = chance.normal(size=n)
    if truth is not None:
        likes = sure * votes @ truth / np.abs(truth).sum() + chance.logistic(size=n)
    return table(votes, likes, **more)


def test_known_weights_are_found_again():
    stored = reviewed(MOST + 500, np.random.default_rng(0), FEW, sure=8.0)
    found = suggest(stored, np.ones(K))
    weights = np.array(list(found.weights.values()))
    assert weights.sum() == pytest.approx(K)  # as the present ones
    assert weights == pytest.approx(FEW * K / FEW.sum(), abs=0.8)
    assert found.better
    assert found.sentence.startswith("They agree with the reviews more often than the present")
    assert found.agreement.value - found.present.value == pytest.approx(found.gain.value)
    assert found.gain.n == MOST


@pytest.mark.parametrize("n", [LEAST, 250])
def test_chance_is_called_no_better_in_95_of_100(n):
    chance = np.random.default_rng(1)
    found = [suggest(reviewed(n, chance), np.ones(K)) for _ in range(120)]
    assert sum(one.better for one in found) / 120 <= 0.05
    assert all("no better" in one.sentence for one in found if one.gain.low <= 0 <= one.gain.high)


def test_present_weights_that_are_right_are_hardly_changed_and_never_called_worse():
    chance = np.random.default_rng(2)
    found = [suggest(reviewed(200, chance, np.ones(K)), np.ones(K)) for _ in range(60)]
    assert sum(one.better for one in found) <= 3
    assert abs(np.mean([one.gain.value for one in found])) < 0.015


def test_the_gain_that_other_pairs_show_lies_in_its_interval():
    chance = np.random.default_rng(3)
    other = reviewed(20000, np.random.default_rng(4), FEW, sure=4.0)
    held = []
    for _ in range(80):
        found = suggest(reviewed(200, chance, FEW, sure=4.0), np.ones(K))
        weights = np.array(list(found.weights.values()))
        right = [(other.logits @ w > 0) == (other.people[:, 0] > 0) for w in (weights, np.ones(K))]
        held.append(found.gain.low <= right[0].mean() - right[1].mean() <= found.gain.high)
    assert np.mean(held) >= 0.88


def test_a_principle_that_people_go_against_gets_weight_0_and_is_named():
    chance = np.random.default_rng(5)
    votes = chance.normal(size=(600, 4))
    likes = 2 * votes @ np.array([1.0, 1.0, 0.0, -1.0]) + chance.logistic(size=600)
    found = suggest(table(votes, likes), np.ones(4))
    assert found.weights["k3"] == 0
    assert found.against == ("k3",)
    assert set(found.against) <= set(found.zero)


def test_reviews_that_go_against_everything_leave_the_present_weights():
    chance = np.random.default_rng(6)
    votes = np.abs(chance.normal(size=(300, 3)))
    found = suggest(table(votes, -np.ones(300)), np.array([1.0, 2.0, 1.0]))
    assert list(found.weights.values()) == pytest.approx([1.0, 2.0, 1.0])
    assert not found.better


def test_turning_the_sides_of_pairs_changes_nothing():
    chance = np.random.default_rng(7)
    votes = chance.normal(size=(300, K))
    likes = votes @ FEW + chance.logistic(size=300)
    turn = np.where(chance.random(300) < 0.5, -1.0, 1.0)
    one = suggest(table(votes, likes), np.ones(K))
    other = suggest(table(votes * turn[:, None], likes * turn), np.ones(K))
    assert one.weights == pytest.approx(other.weights, abs=1e-4)
    assert one.gain == other.gain


def test_pairs_of_one_prompt_are_never_on_both_sides():
    """Four copies of each row: were they dealt apart, weights would be held against their own rows."""
    chance = np.random.default_rng(8)
    rows = np.repeat(np.arange(60), 4)
    votes, likes = chance.normal(size=(60, K)), chance.normal(size=60)
    gains = suggest(table(votes[rows], likes[rows], prompts=rows), np.ones(K))
    apart = suggest(table(votes[rows], likes[rows]), np.ones(K))
    assert not gains.better
    assert apart.agreement.value > gains.agreement.value + 0.05


def test_too_few_reviews_or_prompts_suggest_nothing():
    chance = np.random.default_rng(9)
    assert suggest(reviewed(LEAST - 1, chance, FEW), np.ones(K)) is None
    few = reviewed(LEAST, chance, FEW, prompts=np.arange(LEAST) % 10)
    assert suggest(few, np.ones(K)) is None
    assert suggest(reviewed(LEAST, chance, FEW), np.zeros(K)) is None


def test_pairs_of_the_test_split_are_not_learned_from():
    chance = np.random.default_rng(10)
    splits = ["test"] * 30 + ["dev"] * 20 + ["train"] * LEAST
    stored = reviewed(len(splits), chance, FEW, splits=splits)
    assert len(learnable(stored)) == LEAST + 20
    assert suggest(stored, np.ones(K)).agreement.n == LEAST + 20


def test_votes_that_are_not_there_lean_nowhere():
    chance = np.random.default_rng(11)
    stored = reviewed(400, chance, FEW, sure=4.0)
    gone = chance.random((400, K)) < 0.3
    there = replace(stored, logits=np.where(gone, 0.0, stored.logits))
    stored.logits[gone] = math.nan
    found, even = suggest(stored, np.ones(K)), suggest(there, np.ones(K))
    assert found.weights == pytest.approx(even.weights)
    assert (found.gain, found.penalty) == (even.gain, even.penalty)
