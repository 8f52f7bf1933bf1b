"""What a judge leans to that people do not."""

import math

import numpy as np
import pytest

from cai_core.review.bias import (
    MEASURES,
    differences,
    flip_share,
    leanings,
    position_bias,
)
from cai_core.schema import Pair, user
from cai_core.stats import sigmoid


def test_answers_differ_in_length_refusal_and_list_shape():
    pair = Pair.of((user("q"),), "- one\n- two\n- three", "I'm sorry, but I can't help.")
    found = differences([pair, pair.swapped()])
    assert found.shape == (2, len(MEASURES))
    assert found[0, 1:].tolist() == [-1, 2]
    assert found[1] == pytest.approx(-found[0])
    assert differences([]).shape == (0, 3)


def simulated(n, chance, *, judge=(0.8, 0.3, 0.5), people=(0.3, 0.6, 0.0)):
    x = np.c_[
        chance.normal(size=n), chance.choice([-1, 0, 0, 1], n), chance.choice([-1.0, 0, 2], n)
    ]
    luck = chance.random(n)
    other = np.where(chance.random(n) < 0.5, luck, chance.random(n))
    return x, (luck < sigmoid(x @ judge)).astype(float), (other < sigmoid(x @ people)).astype(float)


def test_the_gap_is_found_and_its_interval_holds_it():
    chance = np.random.default_rng(0)
    held, widths = [], []
    for _ in range(150):
        x, sides, people = simulated(200, chance)
        found = leanings(x, sides, people=people, prompts=np.arange(200))
        for name, truth in zip(MEASURES, (0.5, -0.3, 0.5), strict=True):
            held.append(found[name].gap.low <= truth <= found[name].gap.high)
            widths.append(found[name].gap.high - found[name].gap.low)
    assert np.mean(held) >= 0.93
    assert np.mean(widths) < 1.1


def test_weights_count_as_copies_do():
    x, sides, people = simulated(120, np.random.default_rng(1))
    weight = np.tile([1.0, 2.0], 60)
    many = np.repeat(np.arange(120), weight.astype(int))
    weighed = leanings(x, sides, people=people, prompts=np.arange(120), weight=weight)
    copied = leanings(x[many], sides[many], people=people[many], prompts=many)
    for name in MEASURES:
        assert weighed[name].gap.value == pytest.approx(copied[name].gap.value, abs=1e-6)
        assert weighed[name].gap.low == pytest.approx(copied[name].gap.low, abs=1e-3)


def test_no_reviewed_pair_has_no_leaning():
    found = leanings(
        np.zeros((0, 3)), np.zeros(0), people=np.zeros(0), prompts=np.zeros(0, dtype=int)
    )
    assert all(math.isnan(found[name].gap.value) for name in MEASURES)


def test_the_position_bias_is_the_median_with_its_interval():
    chance = np.random.default_rng(2)
    found = [position_bias(chance.exponential(size=31)) for _ in range(400)]
    assert np.mean([one.low <= math.log(2) <= one.high for one in found]) >= 0.93
    assert position_bias(np.array([1.0, np.nan, 3.0])).value == 2
    assert math.isnan(position_bias(np.array([1.0, 2.0])).low)
    assert math.isnan(position_bias(np.array([np.nan])).value)


def test_flips_count_only_pairs_asked_in_both_orders():
    found = flip_share(np.array([1.0, 0.0, np.nan, 0.0]))
    assert (found.value, found.n) == (pytest.approx(1 / 3), 3)
