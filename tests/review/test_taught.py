from dataclasses import replace

import pytest

from cai_core.review.taught import UNNAMED, taught
from cai_core.schema import Label, Pair, Review, user

PAIR = Pair.of((user("q"),), "one", "two")
OTHER = Pair.of((user("q"),), "one", "three")


def said(verdict, *, pair=PAIR, by="Ada", **how) -> Label:
    review = Review(**({"blind": True, "queue": "even", "pi": None, "reviewer": by} | how))
    return Label(pair, verdict, None, kind="person", annotator=by, review=review)


def test_first_blind_verdicts_teach_and_others_are_counted_by_reason():
    found = taught(
        [
            said("a"),
            said("b", by="Ben", blind=False),
            said("b", by="Cy", first=False),
            said("bad", by="Di"),
            said("skip", by="Ed"),
        ]
    )
    assert found.p_a.tolist() == [1.0]
    assert dict(found.names) == {"Ada": 1}
    assert found.left_out == {"not blind": 1, "not the first": 1, "bad": 1, "skip": 1}


def test_several_people_on_a_pair_are_their_mean_in_its_orientation():
    found = taught([said("a"), said("a", pair=PAIR.swapped(), by="Ben"), said("tie", by="Cy")])
    assert found.p_a.tolist() == [pytest.approx(0.5)]
    assert len(found) == 1
    assert found.verdicts == 3


def test_the_label_of_a_judged_row_teaches_and_is_assumed_to_be_blind():
    judged = Label(replace(PAIR, label="b"), "a", 0.9, annotator="judge")
    found = taught([judged, Label(OTHER, "a", 0.9, annotator="judge")])
    assert found.p_a.tolist() == [0.0]
    assert found.assumed_blind == 1
    assert dict(found.names) == {UNNAMED: 1}


def test_a_labelled_pair_names_its_annotator_and_a_judged_one_not_its_judge():
    plain = Label.from_row(replace(PAIR, label="b").to_row() | {"annotator": "Ada"})
    assert dict(taught([plain]).names) == {"Ada": 1}
    judged = Label(replace(PAIR, label="b"), "a", 0.9, annotator="judge", method="logprob")
    assert dict(taught([judged]).names) == {UNNAMED: 1}


def test_a_label_that_was_given_in_sight_of_the_judgement_does_not_teach():
    review = Review(blind=False, queue="even", pi=None, reviewer="Ada")
    found = taught([Label(replace(PAIR, label="b"), "a", 0.9, kind="judge", review=review)])
    assert len(found) == 0
    assert found.left_out == {"not blind": 1}


def test_labels_of_rules_do_not_teach():
    assert len(taught([Label(PAIR, "a", 1.0, kind="rule", annotator="bulk")])) == 0


def test_weights_are_inverse_probabilities_one_on_average_within_a_queue():
    pairs = [Pair.of((user(f"q{k}"),), "one", "two") for k in range(4)]
    rare = said("a", pair=pairs[0], queue="useful", pi=0.1)
    often = said("a", pair=pairs[1], queue="useful", pi=0.3)
    even = [said("a", pair=p, queue="even", pi=0.01) for p in pairs[2:]]
    found = taught([rare, often, *even])
    assert found.weights.tolist() == pytest.approx([1.5, 0.5, 1.0, 1.0])


def test_the_hash_knows_neither_order_nor_orientation_but_every_verdict():
    one, two = said("a"), said("b", pair=OTHER)
    here = taught([one, two]).hash
    assert taught([two, one]).hash == here
    assert taught([said("b", pair=PAIR.swapped()), two]).hash == here
    assert taught([said("b"), two]).hash != here
