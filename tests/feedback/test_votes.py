"""From probabilities to labels: orders, offset, mass, ties, consistency."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.feedback.votes import (
    Options,
    Vote,
    clamped,
    mark_inconsistent,
    median_offset,
    tally,
)
from cai_core.schema import Pair, user
from cai_core.stats import logit, sigmoid

PAIR = Pair.of((user("Hi"),), "one", "other")
LOGITS = st.floats(-4, 4)


def vote(signal, bias=0.0, *, key="k", weight=1.0, mass=1.0):
    """A vote with this log-odds for A and this pull to the first place."""
    ab, ba = float(sigmoid(signal + bias)), float(sigmoid(bias - signal))
    return Vote(key, weight, Options(ab, mass), Options(ba, mass))


def label(*votes, tie_band=0.0):
    return tally(PAIR, votes, tie_band=tie_band)


@given(LOGITS, LOGITS)
def test_both_orders_in_log_odds_give_signal_and_offset_back(signal, bias):
    made = label(vote(signal, bias))
    assert float(logit(made.p_a)) == pytest.approx(signal, abs=1e-6)
    assert made.offset == pytest.approx(bias, abs=1e-6)


def test_orders_are_each_the_probability_that_a_is_better():
    made = label(vote(0.5, 1.0))
    assert made.orders.ab == pytest.approx(float(sigmoid(1.5)))
    assert made.orders.ba == pytest.approx(float(sigmoid(-0.5)))


def test_a_biased_judge_is_flipped_and_keeps_its_signal():
    made = label(vote(0.5, 2.0))
    assert made.flipped
    assert made.verdict == "a"


def test_votes_are_a_weighted_mean_in_log_odds():
    made = label(vote(2.0, key="x", weight=3.0), vote(-2.0, key="y"))
    assert float(logit(made.p_a)) == pytest.approx(1.0)
    assert made.votes == pytest.approx({"x": float(sigmoid(2)), "y": float(sigmoid(-2))})


def test_without_mass_there_is_no_verdict_and_never_a_half():
    made = label(vote(2.0, mass=0.4))
    assert (made.verdict, made.p_a, made.orders, made.flipped) == (None, None, None, None)
    assert made.mass == pytest.approx(0.4)
    assert "0.40" in made.error


def test_a_vote_without_mass_does_not_count_beside_others_that_have_it():
    made = label(vote(1.0, key="x"), vote(1.0, key="y"), vote(-4.0, key="z", mass=0.1))
    assert set(made.votes) == {"x", "y"}
    assert float(logit(made.p_a)) == pytest.approx(1.0)


def test_within_the_tie_band_is_a_tie():
    assert label(vote(0.1), tie_band=0.05).verdict == "tie"
    assert label(vote(0.1), tie_band=0.01).verdict == "a"
    assert label(vote(0.0)).verdict == "tie"


def test_token_variants_of_an_option_are_summed():
    options = Options.of_logs(np.log([0.3, 0.1]), np.log([0.2, 0.0 + 1e-12]))
    assert options.p_first == pytest.approx(0.4 / 0.6)
    assert options.mass == pytest.approx(0.6)


def test_an_option_that_was_not_reported_is_taken_at_its_bound():
    options = Options.of_logs(np.log([0.9]), np.array([-math.inf]))
    assert options.p_first == pytest.approx(0.9)
    assert options.mass == pytest.approx(0.9)


def test_no_option_reported_is_no_verdict():
    nothing = Options.of_logs(np.array([-math.inf]), np.array([-math.inf]))
    assert label(Vote("k", 1.0, nothing, nothing)).verdict is None


def test_counts_are_smoothed_and_unreadable_ones_cost_mass():
    options = Options.of_counts(3, 0, asked=4)
    assert options.p_first == pytest.approx(3.5 / 4)
    assert options.mass == 0.75
    assert math.isnan(Options.of_counts(0, 0, asked=4).p_first)


def test_clamping_keeps_the_raw_value():
    made = clamped(label(vote(3.0)), (0.4, 0.6))
    assert made.p_a == 0.6
    assert made.p_raw == pytest.approx(float(sigmoid(3.0)))


def test_inconsistent_is_what_the_median_offset_does_not_explain():
    steady = [label(vote(0.5, 2.0)) for _ in range(4)]
    odd = label(vote(0.5, 3.5))
    marked = mark_inconsistent([*steady, odd])
    assert [m.inconsistent for m in marked] == [False] * 4 + [True]
    assert all(m.flipped for m in marked)


def test_what_was_not_judged_is_neither_consistent_nor_not():
    failed = label(vote(1.0, mass=0.1))
    assert mark_inconsistent([failed])[0].inconsistent is None
    assert median_offset([failed]) is None
