"""How often two annotators say the same."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import DataError
from cai_core.review.agreement import agreement, between_people, by_queue, cohen_kappa
from cai_core.schema import Label, Pair, Review, user


def pair(n):
    return Pair.of((user(f"q {n}"),), "one", "two")


def judged(*verdicts):
    return [Label(pair(n), v, 0.5, annotator="m") for n, v in enumerate(verdicts)]


def said(n, verdict, who="Ada", **review):
    given = {"blind": True, "queue": "even", "pi": 1.0, "reviewer": who} | review
    return Label(pair(n), verdict, None, "person", who, review=Review(**given))


def test_the_share_counts_pairs_and_has_its_interval():
    found = agreement(judged("a", "a", "b", "b"), [said(n, "a") for n in range(4)])
    assert (found.estimate.value, found.estimate.n) == (0.5, 4)
    assert found.estimate.low < 0.5 < found.estimate.high


def test_only_first_blind_verdicts_measure():
    verdicts = [said(0, "a"), said(1, "a", blind=False), said(2, "a", first=False)]
    verdicts.append(Label(pair(3), "a", 1.0, "person", "imported"))
    found = agreement(judged("a", "b", "b", "b"), verdicts)
    assert (found.estimate.value, found.estimate.n) == (1.0, 1)


def test_a_tie_against_a_side_is_half_an_agreement():
    assert agreement(judged("tie"), [said(0, "a")]).estimate.value == 0.5
    assert agreement(judged("tie"), [said(0, "tie")]).estimate.value == 1.0


def test_what_has_no_side_or_no_judgement_is_left_out_and_counted():
    verdicts = [said(0, "bad"), said(1, "skip"), said(2, "a"), said(9, "a"), said(3, "a")]
    found = agreement(judged("a", "a", None, "a"), verdicts)
    assert (found.estimate.n, found.left_out) == (1, 4)


def test_nothing_to_measure_is_undefined_and_not_zero():
    found = agreement(judged("a"), [])
    assert math.isnan(found.estimate.value)
    assert math.isnan(found.kappa)
    assert found.estimate.n == 0


def test_a_pair_that_two_people_read_counts_once():
    found = agreement(judged("a", "a"), [said(0, "a"), said(0, "b", "Bob"), said(1, "a")])
    assert (found.estimate.value, found.estimate.n) == (0.75, 2)


def test_queues_are_measured_apart():
    verdicts = [said(0, "a"), said(1, "b", queue="uncertain")]
    found = by_queue(judged("a", "a"), verdicts)
    assert {name: a.estimate.value for name, a in found.items()} == {"even": 1.0, "uncertain": 0.0}


def test_people_are_compared_pair_by_pair():
    verdicts = [said(0, "a"), said(0, "a", "Bob"), said(1, "a"), said(1, "b", "Bob"), said(2, "a")]
    found = between_people(verdicts)
    assert (found.estimate.value, found.estimate.n) == (0.5, 2)


@pytest.mark.parametrize(
    ("a", "b", "kappa"),
    [("abab", "abab", 1.0), ("abab", "baba", -1.0), ("aabb", "abab", 0.0)],
)
def test_kappa_is_corrected_for_chance(a, b, kappa):
    assert cohen_kappa(list(a), list(b)) == pytest.approx(kappa)


def test_kappa_of_one_same_verdict_throughout_is_undefined():
    assert math.isnan(cohen_kappa(["a", "a"], ["a", "a"]))


@pytest.mark.parametrize(("a", "b"), [([], []), (["a"], []), (["a"], ["a", "b"])])
def test_kappa_needs_two_equally_long_lists(a, b):
    with pytest.raises(DataError, match="equally long"):
        cohen_kappa(a, b)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), min_size=1, max_size=30))
def test_swapping_the_sides_changes_neither_share_nor_kappa(said_by_both):
    judgements = judged(*(one for one, _ in said_by_both))
    verdicts = [said(n, other) for n, (_, other) in enumerate(said_by_both)]
    swap = {"a": "b", "b": "a"}
    turned = [[replace(x, verdict=swap[x.verdict]) for x in xs] for xs in (judgements, verdicts)]
    before, after = agreement(judgements, verdicts), agreement(*turned)
    assert before.estimate == after.estimate
    assert before.kappa == pytest.approx(after.kappa, nan_ok=True)
