"""Confidence that means what it says, and the temperature that makes it so."""

import math

import numpy as np
import pytest

from cai_core.review.calibration import Heard, apply, calibration, reliability, temperature
from cai_core.stats import sigmoid


def heard(n, *, hot, chance, spread=1.5):
    """A judge whose log-odds are `hot` times what they should be."""
    true = chance.normal(size=n) * spread
    said = (chance.random(n) < sigmoid(true)).astype(float)
    return Heard(sigmoid(true * hot), said, np.ones(n))


def test_the_temperature_of_a_judge_that_is_too_sure_is_found():
    found = temperature(heard(4000, hot=2.0, chance=np.random.default_rng(0)))
    assert found.value.low < 2 < found.value.high
    assert found.value.value == pytest.approx(2, abs=0.25)
    assert found.gain.low > 0
    assert found.gain.value == pytest.approx(found.before.value - found.after.value)


@pytest.mark.parametrize("n", [60, 200])
def test_the_interval_of_the_temperature_holds_the_truth(n):
    chance = np.random.default_rng(n)
    found = [temperature(heard(n, hot=2.0, chance=chance)).value for _ in range(300)]
    assert np.mean([one.low <= 2 <= one.high for one in found]) >= 0.91


def test_a_judge_that_means_what_it_says_gains_nothing():
    found = temperature(heard(2000, hot=1.0, chance=np.random.default_rng(2)))
    assert found.value.low < 1 < found.value.high
    assert found.gain.low <= 0.001


def test_one_half_stays_and_the_side_never_turns():
    calibrated = apply(3.0, [0.5, 0.9, 0.1, math.nan])
    assert calibrated[0] == 0.5
    assert 0.5 < calibrated[1] < 0.9
    assert calibrated[1] == pytest.approx(1 - calibrated[2])
    assert math.isnan(calibrated[3])


def test_weights_count_as_copies_do():
    chance = np.random.default_rng(3)
    made = heard(100, hot=2.0, chance=chance)
    weight = np.tile([1.0, 3.0], 50)
    many = np.repeat(np.arange(100), weight.astype(int))
    weighed = temperature(Heard(made.p_a, made.said, weight)).value.value
    copied = temperature(Heard(made.p_a[many], made.said[many], np.ones(len(many)))).value.value
    assert weighed == pytest.approx(copied, rel=1e-6)


def test_a_tie_pulls_to_the_middle():
    sides = Heard(np.full(40, 0.9), np.ones(40), np.ones(40))
    ties = Heard(np.full(40, 0.9), np.full(40, 0.5), np.ones(40))
    assert temperature(ties).value.value > 5 > 1 > temperature(sides).value.value


def test_bins_hold_equally_many_and_count_a_and_b_alike():
    chance = np.random.default_rng(4)
    made = heard(200, hot=1.0, chance=chance)
    turned = Heard(1 - made.p_a, 1 - made.said, made.weight)
    bins = reliability(made)
    assert [one.right.n for one in bins] == [20] * 10
    assert [one.right.value for one in bins] == [one.right.value for one in reliability(turned)]
    assert all(one.low <= one.stated <= one.high for one in bins)
    assert sum(one.right.low <= one.stated <= one.right.high for one in bins) >= 8


def test_scores_are_those_of_their_definitions():
    found = calibration(Heard(np.array([0.8, 0.5]), np.array([1.0, 0.0]), np.array([3.0, 1.0])))
    assert found.brier.value == pytest.approx((3 * 0.04 + 0.25) / 4)
    assert found.log_loss.value == pytest.approx(-(3 * math.log(0.8) + math.log(0.5)) / 4)
    assert found.bins == ()


def test_under_ten_reviews_there_is_no_temperature():
    assert temperature(heard(9, hot=1.0, chance=np.random.default_rng(5))) is None
    empty = calibration(Heard(np.zeros(0), np.zeros(0), np.zeros(0)))
    assert math.isnan(empty.brier.value)
