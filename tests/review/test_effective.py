"""Whose label counts."""

from dataclasses import replace

import pytest

from cai_core.review.edited import Edited
from cai_core.review.effective import Trust, effective, effective_labels
from cai_core.schema import HUMAN_P, ConstitutionRef, Label, Pair, Review, user

PAIR = Pair.of((user("Hi"),), "one", "two")
REF = ConstitutionRef("c", "h", 2)
JUDGED = Label(PAIR, "a", 0.8, annotator="m", inconsistent=True, constitution=REF)


def said(verdict, who="Ada", version=None):
    review = Review(True, "all", 1.0, who, version)
    return Label(PAIR, verdict, HUMAN_P.get(verdict), "person", who, review=review)


def verdict_of(*verdicts, judgement=JUDGED):
    found = effective(PAIR, verdicts, judgement)
    return found.verdict, found.p_a, found.source


def test_the_judge_counts_where_nobody_read():
    assert verdict_of() == ("a", 0.8, "judge")
    assert effective(PAIR, (), JUDGED).inconsistent


def test_a_person_stands_over_the_judge():
    assert verdict_of(said("b")) == ("b", 0.0, "people")
    assert not effective(PAIR, (said("b"),), JUDGED).inconsistent


def test_the_newest_verdict_of_a_person_counts():
    assert verdict_of(said("b"), said("a")) == ("a", 1.0, "people")


def test_people_who_disagree_make_it_disputed():
    assert verdict_of(said("a"), said("b", "Bob")) == ("disputed", None, "people")
    assert verdict_of(said("a"), said("tie", "Bob")) == ("disputed", None, "people")
    assert verdict_of(said("a"), said("a", "Bob")) == ("a", 1.0, "people")


def test_a_person_counts_as_far_as_people_are_reliable_and_two_add_up_in_log_odds():
    trust = Trust(reliability=0.8)
    one = effective(PAIR, [said("b")], JUDGED, trust=trust)
    assert (one.verdict, one.p_a) == ("b", pytest.approx(0.2))
    two = effective(PAIR, [said("a"), said("a", "Bob")], JUDGED, trust=trust)
    assert two.p_a == pytest.approx(0.64 / 0.68)
    assert effective(PAIR, [said("tie")], JUDGED, trust=trust).p_a == 0.5


def test_what_people_and_the_judge_say_stands_beside_what_counts():
    both = effective(PAIR, [said("b")], JUDGED, trust=Trust(2.0, 0.9))
    assert both.p_people == pytest.approx(0.1)
    assert both.p_judge == pytest.approx(2 / 3)
    alone = effective(PAIR, (), JUDGED)
    assert (alone.p_people, alone.p_judge) == (None, 0.8)
    assert effective(PAIR, [ruled("a")], JUDGED).p_judge == 0.8
    assert effective(PAIR, [said("bad")], replace(JUDGED, verdict=None)).p_judge is None


def test_a_skip_says_nothing():
    assert verdict_of(said("skip")) == ("a", 0.8, "judge")
    assert verdict_of(said("skip"), said("b", "Bob")) == ("b", 0.0, "people")


def test_a_person_who_skips_at_last_takes_the_verdict_back():
    assert verdict_of(said("b"), said("skip")) == ("a", 0.8, "judge")


def test_bad_keeps_the_pair_out():
    assert verdict_of(said("bad")) == ("bad", None, "people")


def ruled(verdict, name="Ada: short"):
    return Label(PAIR, verdict, HUMAN_P.get(verdict), "rule", name)


def test_a_rule_stands_over_the_judge_and_behind_people():
    assert verdict_of(ruled("b")) == ("b", 0.0, "rule")
    assert verdict_of(said("a"), ruled("b")) == ("a", 1.0, "people")
    assert verdict_of(ruled("b"), said("skip")) == ("b", 0.0, "rule")
    assert verdict_of(said("a"), said("b", "Bob"), ruled("b")) == ("disputed", None, "people")
    assert verdict_of(ruled("bad")) == ("bad", None, "rule")
    assert verdict_of(ruled("b"), judgement=None) == ("b", 0.0, "rule")


def test_the_newest_of_all_rules_counts():
    assert verdict_of(ruled("a"), ruled("b", "Bob: long")) == ("b", 0.0, "rule")
    assert verdict_of(ruled("a"), ruled("b", "Bob: long"), ruled("tie")) == ("tie", 0.5, "rule")


def ended(verdict, who):
    one = said(verdict, who)
    return replace(one, review=replace(one.review, queue="adjudication"))


def test_an_adjudication_ends_a_dispute_and_the_newest_one_stands():
    dispute = said("a"), said("b", "Bob")
    assert verdict_of(*dispute, ended("tie", "Cy")) == ("tie", 0.5, "people")
    assert effective(PAIR, [*dispute, ended("tie", "Cy")]).people == ("Cy",)
    assert verdict_of(ended("tie", "Cy"), *dispute) == ("tie", 0.5, "people")
    assert verdict_of(ended("a", "Cy"), ended("b", "Di"), ended("a", "Cy")) == ("a", 1.0, "people")
    assert verdict_of(*dispute, ended("skip", "Cy")) == ("disputed", None, "people")


@pytest.mark.parametrize(
    ("temperature", "p_a"), [(None, 0.8), (1.0, 0.8), (2.0, 2 / 3), (0.5, 16 / 17)]
)
def test_a_temperature_scales_the_judges_log_odds_alone(temperature, p_a):
    assert effective(PAIR, (), JUDGED, trust=Trust(temperature)).p_a == pytest.approx(p_a)
    assert effective(PAIR, [said("a")], JUDGED, trust=Trust(temperature)).p_a == 1.0
    tie = Label(PAIR, "tie", 0.53)
    assert effective(PAIR, (), tie, trust=Trust(temperature)).p_a == 0.5
    [one] = effective_labels([], [JUDGED], trust=Trust(temperature))
    assert one.p_a == pytest.approx(p_a)


@pytest.mark.parametrize(
    ("judgement", "found"),
    [
        (None, ("none", None, None)),
        (Label(PAIR, None, None, error="no mass"), ("failed", None, "judge")),
        (Label(PAIR, "tie", 0.53), ("tie", 0.5, "judge")),
        (Label(PAIR, "bad", None), ("bad", None, "judge")),
    ],
)
def test_a_judgement_without_a_side_has_no_side(judgement, found):
    assert verdict_of(judgement=judgement) == found


def test_a_verdict_under_other_wordings_is_stale():
    reworded = Edited("c", frozenset({1}), frozenset({"h1"}))
    assert effective(PAIR, [said("a", version=1)], edited=reworded).stale
    assert not effective(PAIR, [said("a", version=2)], edited=reworded).stale
    assert not effective(PAIR, [said("a")], edited=reworded).stale
    assert not effective(PAIR, [said("a", version=1)]).stale


def test_all_pairs_come_once_in_the_order_of_first_sight():
    other = Pair.of((user("Ho"),), "one", "two")
    third = Pair.of((user("Hu"),), "one", "two")
    judged = [JUDGED, Label(other, "b", 0.1)]
    people = [Label(p, "a", 1.0, "person", "Ada") for p in (other, third)]
    found = effective_labels(people, judged)
    assert [(e.pair.id, e.source) for e in found] == [
        (PAIR.id, "judge"),
        (other.id, "people"),
        (third.id, "people"),
    ]
    assert found[0].constitution == REF
