"""Corrections and decisions on helpful answers: logs of what people wrote and chose."""

import pytest

from cai_core.errors import DataError, NotFoundError
from cai_core.store import corrections, helpful, labels, pairs
from cai_core.store.pairs import PairFilter
from tests.store.rows import PAIR, pair


@pytest.fixture
def filled(db):
    pairs.add(db, [PAIR, pair("two")], source="lab")
    return db


def texts(db, where=None):
    return [(one.person, one.text) for one in corrections.standing(db, where)]


def test_a_persons_newest_correction_of_a_pair_stands(filled):
    corrections.add(filled, PAIR.id, "Boil it.", person="Ada")
    corrections.add(filled, PAIR.id, "Boil fresh water.", person="Ada")
    corrections.add(filled, PAIR.id, "Use a kettle.", person="Grace")
    assert texts(filled) == [("Ada", "Boil fresh water."), ("Grace", "Use a kettle.")]
    assert corrections.count(filled) == 2
    assert len(corrections.of_pair(filled, PAIR.id)) == 2
    assert corrections.of_pair(filled, pair("two").id) == []


def test_undo_brings_back_what_the_person_wrote_before(filled):
    corrections.add(filled, PAIR.id, "Boil it.", person="Ada")
    corrections.add(filled, PAIR.id, "Boil fresh water.", person="Ada")
    last = corrections.last_of(filled, "Ada")
    corrections.undo(filled, last.id, who="Ada")
    assert texts(filled) == [("Ada", "Boil it.")]
    with pytest.raises(DataError, match="undone already"):
        corrections.undo(filled, last.id, who="Ada")
    corrections.undo(filled, corrections.last_of(filled, "Ada").id, who="Ada")
    assert texts(filled) == []
    assert corrections.last_of(filled, "Ada") is None


def test_corrections_follow_the_filter_on_their_pairs(filled):
    corrections.add(filled, PAIR.id, "Boil it.", person="Ada")
    assert texts(filled, PairFilter(source="lab"))
    assert texts(filled, PairFilter(source="other")) == []


def test_a_correction_is_better_than_both_answers_and_measures_nothing(filled):
    corrections.add(filled, PAIR.id, "Boil it.", person="Ada")
    [one] = corrections.standing(filled)
    for label, worse in zip(one.labels, (PAIR.response_a, PAIR.response_b), strict=True):
        answers = {"a": label.pair.response_a, "b": label.pair.response_b}
        assert answers.pop(label.verdict) == "Boil it."
        assert list(answers.values()) == [worse]
        assert label.p_a == (1.0 if label.verdict == "a" else 0.0)
        assert (label.kind, label.annotator) == ("person", "Ada")
        assert (label.review.blind, label.review.queue, label.review.pi) == (
            False,
            "corrected",
            None,
        )
        assert label.review.first is False
    assert labels.count(filled) == 0
    assert pairs.count(filled) == 2  # none of its pairs comes up for review


@pytest.mark.parametrize(
    ("key", "text", "person", "error", "says"),
    [
        (PAIR.id, " ", "Ada", DataError, "the corrected answer is empty"),
        (PAIR.id, "x", " ", DataError, "needs a name"),
        ("gone", "x", "Ada", NotFoundError, "no pair"),
    ],
)
def test_nothing_is_kept_of_a_correction_that_says_nothing(filled, key, text, person, error, says):
    with pytest.raises(error, match=says):
        corrections.add(filled, key, text, person=person)
    assert filled["corrections"].count == 0


def test_the_newest_standing_decision_on_a_helpful_answer_counts(db):
    helpful.decide(db, "x", "keep", person="Ada")
    helpful.decide(db, "x", "drop", person="Grace", note="too long")
    helpful.decide(db, "y", "correct", person="Ada", text="Better.")
    found = helpful.decisions(db)
    assert {key: (one.verdict, one.person, one.text) for key, one in found.items()} == {
        "x": ("drop", "Grace", ""),
        "y": ("correct", "Ada", "Better."),
    }
    helpful.undo(db, found["x"].id, who="Grace")
    assert helpful.decisions(db)["x"].verdict == "keep"
    assert [one.undone for one in helpful.history(db, "x")] == [True, False]
    assert helpful.last_of(db, "Ada").row == "y"
    assert helpful.last_of(db, "Grace") is None


def test_a_decision_without_text_or_name_is_refused(db):
    with pytest.raises(DataError, match="the corrected response is empty"):
        helpful.decide(db, "x", "correct", person="Ada", text=" ")
    with pytest.raises(DataError, match="needs a name"):
        helpful.decide(db, "x", "keep", person=" ")
    with pytest.raises(DataError, match="a decision is one of"):
        helpful.decide(db, "x", "maybe", person="Ada")
    assert helpful.decisions(db) == {}
