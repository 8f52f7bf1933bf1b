"""A labels file as judgements and verdicts, however they stand in it."""

import numpy as np
import pytest

from cai_core.errors import DataError
from cai_core.review.from_labels import LabelSheets


def row(n, **more):
    return {"prompt": f"q {n}", "response_a": f"one {n}", "response_b": f"two {n}"} | more


def judged(n, p=0.9, **more):
    return row(n, p_a=p, verdict="a" if p > 0.5 else "b", judge="m") | more


def person(n, verdict, who="Ada", **review):
    given = {"blind": True, "queue": "even", "pi": 0.01, "reviewer": who, "first": True} | review
    return row(n, verdict=verdict, kind="person", judge=who, review=given)


def turned(given):
    """The same row with its sides turned."""
    other = {"a": "b", "b": "a"}
    made = given | {"response_a": given["response_b"], "response_b": given["response_a"]}
    return made | {
        name: other.get(given[name], given[name]) for name in ("verdict", "label") if name in given
    }


def measured(*rows, judge=""):
    sheets = LabelSheets(judge)
    for one in rows:
        sheets.add(one)
    return sheets.measured()


def test_a_label_on_the_row_of_its_judgement_is_a_persons_verdict():
    found = measured(judged(0, label="a"), judged(1, label="b"), judged(2), judged(3, label="tie"))
    assert found.reviewed.right.tolist() == [1, 0, 0.5]
    assert found.reviewed.index.tolist() == [0, 1, 3]
    assert (found.reviewed.assumes_random, found.reviewed.ties) == (True, 1)
    assert len(found.population) == 4


def test_a_review_on_the_row_of_its_judgement_is_of_the_label():
    review = {"blind": True, "queue": "useful", "pi": 0.5, "reviewer": "Ada"}
    found = measured(judged(0, label="b", review=review), judged(1))
    assert found.reviewed.right.tolist() == [0]
    assert not found.reviewed.assumes_random


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("turn", [True, False])
def test_a_verdict_in_a_row_of_its_own_is_read_in_either_orientation(first, turn):
    said = [person(0, "a"), person(1, "a")]
    said = [turned(one) for one in said] if turn else said
    rows = [judged(0), judged(1, 0.2)]
    found = measured(*(said + rows if first else rows + said))
    assert found.reviewed.right.tolist() == [1, 0]
    assert sorted(np.maximum(found.population.confidence, 1 - found.population.confidence)) == [
        0.8,
        0.9,
    ]


def test_ids_of_different_files_do_not_hide_that_a_pair_is_the_same():
    found = measured(judged(0, id="x"), person(0, "a") | {"id": "y"})
    assert found.reviewed.right.tolist() == [1]


def test_what_does_not_measure_is_counted_by_its_reason():
    rows = [judged(n) for n in range(6)]
    rows += [person(0, "a"), person(1, "bad"), person(2, "skip"), person(3, "a", blind=False)]
    rows += [person(4, "a", first=False), person(5, "a", queue="search"), person(9, "a")]
    found = measured(*rows)
    assert found.reviewed.right.tolist() == [1]
    assert found.reviewed.left_out == {
        **{"bad": 1, "skip": 1, "sighted": 1, "not the first": 1, "narrow queue": 1},
        "not judged": 1,
    }


def test_several_people_are_one_review_and_say_how_often_two_agree():
    rows = [judged(0), judged(1)]
    rows += [person(0, "a"), person(0, "b", "Bob"), person(1, "a"), person(1, "a", "Bob")]
    found = measured(*rows)
    assert found.reviewed.right.tolist() == [0.5, 1]
    assert (found.human_human.value, found.human_human.n) == (0.5, 2)


def test_a_further_first_verdict_on_a_drawn_pair_counts_whatever_queue_it_came_from():
    opened = person(0, "b", "Bob", queue="opened", pi=None)
    for said in ([person(0, "a"), opened], [opened, person(0, "a")]):
        found = measured(judged(0), judged(1), *said).reviewed
        assert found.right.tolist() == [0.5]
        assert found.left_out == {}
        assert not found.assumes_random


def test_ties_are_counted_by_pair_as_the_quality_page_counts_them():
    found = measured(judged(0), judged(1), person(0, "tie"), person(0, "tie", "Bob"))
    assert found.reviewed.ties == 1


def test_weights_are_relative_within_a_queue():
    rows = [judged(n) for n in range(100)]
    rows += [person(n, "a", pi=0.001 * (n + 1), queue="useful") for n in range(4)]
    rows += [person(n, "a", pi=1.0) for n in range(4, 8)]
    found = measured(*rows).reviewed
    assert found.weight[:4].mean() == pytest.approx(1)
    assert found.weight[0] == pytest.approx(4 * found.weight[3])
    assert found.weight[4:].tolist() == [1] * 4


def test_chances_of_a_batch_are_told_from_chances_of_a_draw():
    rows = [judged(n) for n in range(100)]
    batch = [person(n, "a", pi=pi, queue="x") for n, pi in enumerate([0.1, 0.2] * 7)]
    draw = [person(n, "a", pi=pi, queue="x") for n, pi in enumerate([0.01, 0.02] * 7)]
    assert measured(*rows, *batch).reviewed.inclusion is not None
    assert measured(*rows, *draw).reviewed.inclusion is None


def test_rows_taken_for_random_are_clustered_by_prompt():
    rows = [judged(n, label="a") | {"prompt": "the same"} for n in range(4)]
    assert measured(*rows).reviewed.clusters.tolist() == [3] * 4
    assert measured(*(judged(n, label="a") for n in range(4))).reviewed.clusters is None


def test_a_verdict_that_was_taken_back_says_nothing():
    taken_back = person(0, "b") | {"event": {"id": "x", "undone": True}}
    standing = person(0, "a") | {"event": {"id": "y", "undone": False}}
    found = measured(judged(0), judged(1), taken_back, standing)
    assert found.reviewed.right.tolist() == [1]


def test_bulk_labels_and_failed_judgements_measure_nothing():
    rows = [judged(0, label="a"), row(1, verdict=None, judge="m", error="no answer")]
    rows += [row(0, verdict="b", kind="rule", judge="short ones")]
    found = measured(*rows)
    assert found.reviewed.right.tolist() == [1]
    assert len(found.population) == 1


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([row(0, label="a")], "no row has a judgement"),
        ([judged(0)], "no row has a person's verdict"),
        ([judged(0, label="a"), judged(1, judge="other")], "2 settings"),
        ([judged(0), person(0, "a", pi=0)], "must be above 0"),
        ([judged(0), person(0, "a", pi=-0.5)], "from 0 to 1"),
        ([judged(0, label="A")], "'label' is 'A'"),
    ],
)
def test_what_cannot_be_certified_is_refused_in_a_sentence(rows, says):
    with pytest.raises(DataError, match=says):
        measured(*rows)


def test_one_judge_of_several_is_chosen():
    found = measured(judged(0, label="a"), judged(0, 0.1, judge="other"), judge="other")
    assert found.reviewed.right.tolist() == [0]
    with pytest.raises(DataError, match="by nobody"):
        measured(judged(0, label="a"), judge="nobody")
