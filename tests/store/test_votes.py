"""Votes as a table: the same as reading every label, and only of one setting."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cai_core.review.agreement import agreement, measuring
from cai_core.schema import ConstitutionRef, Label, VoteTable
from cai_core.store import labels, votes
from cai_core.store.labels import JudgeUse, LabelFilter
from cai_core.text import in_locked_half
from tests.store.rows import REF, judgement, pair, review

USE = JudgeUse("m", "logprob", "each", "compare-1", REF, 0, 0)


def verdict(db, of, said, person="Ada", **more):
    return labels.add(db, labels.verdict_label(of, said, review=review(person, **more)))


def slowly(db):
    """The same table from labels, one by one."""
    judged = labels.standing(db, LabelFilter(kind="judge", annotator="m", constitution=REF.hash))
    said = {}
    for one in measuring(event.label for event in labels.verdicts(db)):
        said.setdefault(one.pair.id, []).append(one.verdict)
    return VoteTable.of_labels([event.label for event in judged], said)


def assert_same(one, other):
    assert (one.pair_ids, one.keys) == (other.pair_ids, other.keys)
    read = one.people.sum(axis=1) > 0
    assert np.allclose(one.differences[read], other.differences[read])
    assert np.isnan(one.differences[~read]).all()
    for name in ("logits", "p", "worth", "people", "prompts"):
        assert np.allclose(getattr(one, name), getattr(other, name), equal_nan=True), name
    assert (one.not_applicable == other.not_applicable).all()
    assert (one.kept_out == other.kept_out).all()
    assert one.splits.tolist() == other.splits.tolist()


def fill(db):
    """Pairs with every kind of label; two of one prompt, none of the locked half."""
    questions = [q for q in map("Question {}?".format, range(30)) if not in_locked_half(q)]
    some = [pair(questions[i // 2], a="Yes. " * (i + 1), b=f"No {i}.") for i in range(8)]
    for i, one in enumerate(some):
        labels.add(
            db, judgement(one, votes={"kind": 0.1 + i / 10, "true": 0.75}, p_raw=0.2 + i / 10)
        )
    labels.add(db, judgement(some[0], verdict="b", votes={"kind": 0.2, "true": 0.3}, p_raw=0.25))
    apart = judgement(pair("Apart?"), votes={"true": 0.6}, not_applicable={"kind": 0.9})
    labels.add(db, apart)
    failed = judgement(pair("Failed?"), verdict=None, p_a=None, p_raw=None, votes={}, error="no")
    labels.add(db, failed)
    for i, said in enumerate(("a", "b", "tie", "bad")):
        verdict(db, some[i], said)
    verdict(db, some[0], "b", person="Bea")
    verdict(db, some[4], "a", blind=False)
    verdict(db, some[1], "a")  # a second one: Ada's newest is no first one
    return some


def test_the_table_is_what_the_labels_say(db):
    fill(db)
    assert_same(votes.read(db, USE), slowly(db))


def test_people_count_as_in_the_agreement_of_the_review_room(db):
    fill(db)
    found = votes.read(db, USE)
    judged = [event.label for event in labels.judgements(db, LabelFilter(annotator="m"))]
    told = agreement(judged, [event.label for event in labels.verdicts(db)]).estimate
    assert int(found.reviewed.sum()) == told.n == 2
    assert found.people[0].tolist() == [1, 0, 1]  # Ada and Bea
    assert found.queues == {"all": 3}


def test_a_judgement_or_verdict_that_was_undone_counts_no_more(db):
    some = fill(db)
    newest = labels.history(db, some[0].id)
    labels.undo(db, next(e.id for e in newest if e.label.kind == "judge"), who="Ada")
    labels.undo(db, next(e.id for e in newest if e.label.annotator == "Bea"), who="Bea")
    found = votes.read(db, USE)
    assert found.p[0] == pytest.approx(0.2)
    assert found.people[0].tolist() == [1, 0, 0]
    assert_same(found, slowly(db))


@pytest.mark.parametrize(
    "other",
    [
        {"template": "compare-2"},
        {"method": "cot"},
        {"principles": "draw"},
        {"annotator": "else"},
        {"constitution": ConstitutionRef("short", "0" * 12, 2)},
    ],
)
def test_labels_of_other_settings_are_not_mixed_in(db, other):
    labels.add(db, judgement(pair("One?")))
    labels.add(db, judgement(pair("One?"), p_raw=0.1, **other))
    labels.add(db, judgement(pair("Two?"), **other))
    found = votes.read(db, USE)
    assert found.p.tolist() == [0.9]
    assert len(votes.read(db, replace(USE, judge="nobody"))) == 0


def test_sides_given_the_other_way_round_are_turned(db):
    one = pair("One?")
    labels.add(db, judgement(one, votes={"kind": 0.75, "true": 0.25}))
    labels.add(db, judgement(one.swapped(), votes={"kind": 0.9, "true": 0.25}, p_raw=0.8))
    verdict(db, one.swapped(), "a")
    found = votes.read(db, USE)
    assert found.logits[0] == pytest.approx([math.log(0.1 / 0.9), math.log(3)])
    assert found.people[0].tolist() == [0, 0, 1]


def test_the_keys_of_a_constitution_come_first_whether_they_voted_or_not(db):
    labels.add(db, judgement(pair("One?")))
    found = votes.read(db, USE, keys=["new", "true"])
    assert found.keys == ("new", "true", "kind")
    assert np.isnan(found.logits[0, 0])


def test_answers_are_left_unread_where_nobody_asks(db):
    fill(db)
    assert np.isnan(votes.read(db, USE, answers=False).differences).all()


def test_how_answers_differ_is_told_of_reviewed_pairs(db):
    one = pair("One?", a="I'm sorry, I can't help.", b="x" * 49)
    labels.add(db, judgement(one))
    verdict(db, one, "b")
    assert votes.read(db, USE).differences[0].tolist() == [-1.0, 1.0]


def test_verdicts_on_the_locked_half_are_kept_out(db):
    some = [pair(f"Question {i}?") for i in range(40)]
    locked = [in_locked_half(one.prompt[0].content) for one in some]
    for one in some:
        labels.add(db, judgement(one))
        verdict(db, one, "a")
    labels.add(db, judgement(pair(f"Question {locked.index(True)}?", a="Else.")))
    found = votes.read(db, USE)
    assert found.kept_out.tolist() == [*locked, False]  # nobody read the last
    assert found.reviewed.tolist() == [not one for one in locked] + [False]
    assert found.queues == {"all": locked.count(False)}
    assert np.isnan(found.differences[found.kept_out]).all()
    assert_same(found, slowly(db))


def test_imported_verdicts_measure_nothing(db):
    one = replace(pair("One?"), label="a")
    labels.add_imported(db, [one], source="file")
    labels.add(db, judgement(replace(one, label=None)))
    assert not votes.read(db, USE).reviewed.any()


def test_a_label_without_a_constitution_is_read_under_none(db):
    labels.add(db, Label(pair("One?"), "a", 0.7, annotator="m", p_raw=0.7, votes={"x": 0.7}))
    use = JudgeUse("m", "", "", "", None, 1, 0)
    assert votes.read(db, use).keys == ("x",)
