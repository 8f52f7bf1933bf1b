"""Labels from stored votes: the same as the judge's, and as a tally without a principle."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.evaluate import reweigh
from cai_core.evaluate.reweigh import agreement_scores, tie_band_of, weights_in, why_not
from cai_core.feedback.votes import Options, Vote, tally
from cai_core.review.agreement import agreement
from cai_core.schema import (
    HUMAN_P,
    Constitution,
    Label,
    Pair,
    Principle,
    Review,
    VoteTable,
    panel_id,
    user,
)
from tests.evaluate.simulated import table

PAIR = Pair.of((user("How?"),), "So.", "Or so.")
KEYS = ("one", "two", "three")
chances = st.floats(0.01, 0.99)
votes_of_a_pair = st.lists(st.none() | chances, min_size=3, max_size=3)
three_weights = st.lists(st.floats(0.1, 5), min_size=3, max_size=3)


def label_of(ps, weights, tie_band=0.0):
    """What the judge's own tally makes of these votes, as it is kept: in float32."""
    votes = [
        Vote(key, weight, Options(p, 1.0), Options(1 - p, 1.0))
        for key, weight, p in zip(KEYS, weights, ps, strict=True)
        if p is not None and weight > 0
    ]
    if not votes:
        return Label(PAIR, None, None, error="no vote")
    made = tally(PAIR, votes, tie_band=tie_band)
    kept = {key: float(np.float32(p)) for key, p in made.votes.items()}
    return Label(PAIR, made.verdict, made.p_a, p_raw=made.p_raw, votes=kept)


@given(votes_of_a_pair, three_weights, three_weights, st.sampled_from([0.0, 0.1]))
def test_new_weights_give_the_label_that_a_judge_with_them_gives(ps, was, now, band):
    stored = VoteTable.of_labels([label_of(ps, was, band)], {}, keys=KEYS)
    made = reweigh.reweigh(stored, np.array(now), tie_band=band)
    wanted = label_of(ps, now, band)
    if wanted.p_a is None:
        assert math.isnan(made.p_a[0])
        return
    assert made.p_a[0] == pytest.approx(wanted.p_a, abs=1e-5)
    if min(abs(abs(wanted.p_a - 0.5) - band), abs(wanted.p_a - 0.5)) > 1e-5:
        assert made.worth[0] == HUMAN_P[wanted.verdict]


@given(votes_of_a_pair, three_weights)
def test_without_each_principle_is_the_tally_of_the_others(ps, weights):
    stored = VoteTable.of_labels([label_of(ps, weights)], {}, keys=KEYS)
    made = reweigh.without(stored, np.array(weights), tie_band=0.0)
    for at, key in enumerate(KEYS):
        rest = [None if place == at else p for place, p in enumerate(ps)]
        wanted = label_of(rest, weights)
        if wanted.p_a is None:
            assert math.isnan(made[key].worth[0])
        else:
            assert made[key].p_a[0] == pytest.approx(wanted.p_a, abs=1e-5)


def test_counted_votes_that_are_opposite_stay_a_tie():
    ps = [5.5 / 6, 0.5 / 6, None]  # five of five said A, five of five said B
    stored = VoteTable.of_labels([label_of(ps, [1, 1, 1])], {}, keys=KEYS)
    assert stored.logits[0, 0] + stored.logits[0, 1] != 0.0  # rounded to float32
    assert reweigh.reweigh(stored, np.ones(3), tie_band=0.0).worth[0] == 0.5


def test_flips_count_pairs_with_a_verdict_and_lost_ones():
    stored = table([[1.0, -3.0], [2.0, math.nan], [math.nan, math.nan]])
    made = reweigh.without(stored, np.ones(2), tie_band=0.0)
    assert made["k0"].flipped.tolist() == [False, True, False]
    assert (made["k0"].flips.value, made["k0"].flips.n, made["k0"].lost) == (0.5, 2, 1)
    assert made["k1"].flipped.tolist() == [True, False, False]
    assert made["k1"].lost == 0


def test_a_principle_of_weight_0_takes_no_part():
    stored = table([[1.0, -3.0]])
    assert reweigh.reweigh(stored, np.array([1.0, 0.0]), tie_band=0.0).worth[0] == 1.0
    assert math.isnan(reweigh.reweigh(stored, np.zeros(2), tie_band=0.0).worth[0])


def test_agreement_before_and_after_is_over_the_same_pairs():
    stored = table([[1.0, -3.0], [2.0, math.nan], [-1.0, -1.0]], likes=[1.0, 1.0, -1.0])
    made = reweigh.without(stored, np.ones(2), tie_band=0.0)["k0"]
    assert (made.before.value, made.after.value, made.before.n) == (0.5, 0.5, 2)
    made = reweigh.without(stored, np.ones(2), tie_band=0.0)["k1"]
    assert (made.before.value, made.after.value, made.change.value) == (
        pytest.approx(2 / 3),
        1.0,
        pytest.approx(1 / 3),
    )


def test_the_score_of_agreement_is_that_of_the_review_room():
    said = ["a", "tie", "b"]
    pairs = [Pair.of((user(str(i)),), "x", "y") for i in range(9)]
    judged = [Label(p, said[i % 3], 0.5) for i, p in enumerate(pairs)]
    people = [
        Label(
            p, said[(i // 3 + i * w) % 3], 0.5, kind="person", annotator=who,
            review=Review(True, "all", 1.0, who),
        )
        for i, p in enumerate(pairs)
        for w, who in enumerate("AB")
    ]  # fmt: skip
    counts = np.zeros((9, 3))
    for label in people:
        counts[[p.id for p in pairs].index(label.pair.id), said.index(label.verdict)] += 1
    scores = agreement_scores(np.array([HUMAN_P[one.verdict] for one in judged]), counts)
    assert scores.mean() == pytest.approx(agreement(judged, people).estimate.value)


def test_the_tie_band_is_the_one_that_explains_the_verdicts():
    stored = table([[0.1], [0.3], [2.0]])
    assert tie_band_of(stored, 0.02) == 0.02
    ties = VoteTable(**{**vars(stored), "worth": np.array([0.5, 0.5, 1.0])})
    assert tie_band_of(ties, 0.1) == 0.1
    assert tie_band_of(ties, 0.0) == pytest.approx(float(ties.p[1]) - 0.5)
    weights = np.ones(1)
    assert reweigh.unexplained(ties, weights, tie_band=tie_band_of(ties, 0.0)) == 0
    assert reweigh.unexplained(ties, weights, tie_band=0.0) == 2


def test_weights_of_disabled_and_missing_principles_are_0():
    rules = Constitution("r", (Principle("a", "x", weight=2.0), Principle("b", "x", enabled=False)))
    assert weights_in(rules, ["b", "a", "c"]).tolist() == [0.0, 2.0, 0.0]


@pytest.mark.parametrize(
    ("principles", "annotator", "known", "says"),
    [
        ("each", "hf:x/y", True, ""),
        ("whole", "hf:x/y", True, "whole constitution at once"),
        ("draw", "hf:x/y", True, "one principle was drawn"),
        ("each", panel_id(["hf:x/y", "hf:x/z"], "mean"), True, "a panel made these labels"),
        ("each", "hf:x/y", False, "weights are unknown"),
    ],
)
def test_why_labels_cannot_be_computed_again_is_said(principles, annotator, known, says):
    why = why_not(principles, annotator, known=known)
    assert says in why
    assert bool(why) == bool(says)
