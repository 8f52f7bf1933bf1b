"""Labels of a file beside those of a workspace: new, there already, contradicting."""

import json
from dataclasses import replace
from functools import partial

import pytest

from cai_core.curate import label_merge
from cai_core.curate.label_files import open_labels
from cai_core.errors import DataError, Stopped
from cai_core.schema import Hooks, Label
from cai_core.store import database, label_merging, labels
from cai_core.store.label_rows import turned
from tests.store.rows import judgement, pair, review

ONE, TWO = pair("One?"), pair("Two?")


@pytest.fixture
def db():
    return database.memory()


@pytest.fixture
def merge(db, tmp_path):
    """Write labels to a file, and merge it."""

    def run(*made, dry=False, **options):
        path = tmp_path / "l.jsonl"
        path.write_text("".join(json.dumps(label.to_row()) + "\n" for label in made))
        checked = label_merge.check(open_labels(path))
        keep = None if dry else partial(labels.add_many, db, source="file")
        return label_merge.merge(checked, partial(label_merging.said_on, db), keep=keep, **options)

    return run


def says(verdict, who="Ada", of=ONE, **more):
    p_a = {"a": 1.0, "b": 0.0, "tie": 0.5}.get(verdict)
    return Label(of, verdict, p_a, "person", who, **more)


def stands(db):
    return [(x.label.annotator, x.label.verdict) for x in labels.standing(db)]


def counts(merged):
    return merged.new, merged.already, merged.conflicts, merged.disagreeing


def test_the_same_file_again_adds_nothing(db, merge):
    rows = [says("a"), says("b", "Bo"), judgement(ONE), judgement(TWO, verdict=None, p_a=None)]
    assert counts(merge(*rows)) == (4, 0, 0, 1)
    assert counts(merge(*rows)) == (0, 4, 0, 1)
    assert labels.count(db) == 4


def test_a_pair_that_stands_the_other_way_round_is_the_same_pair(db, merge):
    labels.add(db, judgement(ONE, p_a=0.8))
    merged = merge(turned(judgement(ONE, p_a=0.8)), turned(says("a")))
    assert counts(merged) == (1, 1, 0, 0)
    assert stands(db) == [("m", "a"), ("Ada", "a")]


def test_another_verdict_of_the_same_person_is_a_conflict_and_what_stands_is_kept(db, merge):
    labels.add(db, says("a"))
    merged = merge(turned(says("b")), says("b", "Bo"))
    assert counts(merged) == (1, 0, 1, 1)
    assert str(merged.first[0]) == f"l.jsonl:1: Ada says a, and b stands, on pair {ONE.id}"
    assert stands(db) == [("Ada", "a"), ("Bo", "b")]


def test_a_conflict_can_be_appended_and_loses_nothing(db, merge):
    labels.add(db, says("a"))
    assert counts(merge(says("b"), on_conflict="append")) == (0, 0, 1, 0)
    assert stands(db) == [("Ada", "b")]
    assert [x.label.verdict for x in labels.history(db, ONE.id)] == ["b", "a"]


def test_people_who_differ_are_counted_and_are_no_conflict(db, merge):
    labels.add_many(db, [says("a"), says("skip", "Ed", of=TWO)])
    assert counts(merge(says("tie", "Bo"), says("a", "Bo", of=TWO))) == (2, 0, 0, 1)


def test_a_judge_under_another_setting_is_another_annotator(db, merge):
    labels.add(db, judgement(ONE))
    assert counts(merge(judgement(ONE, verdict="b", p_a=0.1, method="cot"))) == (1, 0, 0, 0)


def test_another_probability_of_a_judge_is_a_conflict_but_a_missing_one_is_not(db, merge):
    labels.add(db, judgement(ONE, p_a=0.8))
    merged = merge(judgement(ONE, p_a=0.7))
    assert counts(merged) == (0, 0, 1, 0)
    assert "m says P(A better) = 0.7, and 0.8 stands" in str(merged.first[0])
    assert counts(merge(judgement(ONE, p_a=None))) == (0, 1, 0, 0)


def test_a_failed_judgement_gives_way_and_never_takes_a_verdicts_place(db, merge):
    failed = {"verdict": None, "p_a": None, "error": "cut off"}
    labels.add_many(db, [judgement(ONE, **failed), judgement(TWO)])
    assert counts(merge(judgement(ONE), judgement(TWO, **failed))) == (1, 1, 0, 0)
    assert stands(db) == [("m", "a"), ("m", "a")]


def test_a_history_comes_in_whole_and_its_last_word_stands(db, merge):
    history = [says("a"), says("b"), says("a"), says("a", of=TWO)]
    assert counts(merge(*history)) == (4, 0, 0, 0)
    assert [x.label.verdict for x in labels.history(db, ONE.id)] == ["a", "b", "a"]
    assert counts(merge(*history)) == (0, 4, 0, 0)


def test_a_history_is_held_against_what_stands_by_its_last_word(db, merge, monkeypatch):
    monkeypatch.setattr(label_merge, "CHUNK", 1)
    assert counts(merge(says("a"), says("b"))) == (2, 0, 0, 0)
    assert counts(merge(says("tie"), says("b"))) == (0, 2, 0, 0)
    assert counts(merge(says("b"), says("tie"))) == (0, 0, 2, 0)
    assert stands(db) == [("Ada", "b")]


def test_a_row_that_stands_twice_in_a_file_comes_in_once(db, merge):
    assert counts(merge(says("a"), says("b", "Bo"), says("a"))) == (2, 1, 0, 1)


def test_a_look_tells_the_same_and_writes_nothing(db, merge):
    labels.add(db, says("a"))
    rows = [says("b"), says("a", "Bo"), says("b", "Bo"), judgement(TWO)]
    looked = merge(*rows, dry=True)
    assert labels.count(db) == 1
    assert merge(*rows) == looked


def test_people_are_blind_only_where_the_row_says_so_and_the_store_decides_who_was_first(db, merge):
    labels.add(db, says("skip", review=review()))
    merge(says("b", "Bo"), says("b", "Cy", review=review("Cy")))
    said = {x.label.annotator: x.label.review for x in labels.verdicts(db)}
    assert said["Bo"] is None
    assert (said["Cy"].blind, said["Cy"].first) == (True, True)
    merge(says("b", review=review()), on_conflict="append")
    assert not labels.verdicts(db, labels.LabelFilter(annotator="Ada"))[0].label.review.first


def test_an_undone_verdict_is_no_word_against_a_file(db, merge):
    labels.undo(db, labels.add(db, says("a")), who="Ada")
    assert counts(merge(says("b"))) == (1, 0, 0, 0)


def test_what_a_stop_leaves_the_same_file_completes(db, merge, monkeypatch):
    monkeypatch.setattr(label_merge, "CHUNK", 2)
    rows = [says("a", of=pair(f"{n}?")) for n in range(6)]
    told = []
    hooks = Hooks(told.append, lambda: len(told) > 1)
    with pytest.raises(Stopped):
        merge(*rows, hooks=hooks)
    assert labels.count(db) == 4
    assert counts(merge(*rows)) == (2, 4, 0, 0)


def test_a_file_that_changes_while_it_is_read_is_refused(db, tmp_path):
    path = tmp_path / "l.jsonl"
    path.write_text(json.dumps(says("a").to_row()) + "\n")
    checked = label_merge.check(open_labels(path))
    path.write_text(json.dumps(says("a", "Bo").to_row()) + "\n")
    with pytest.raises(DataError, match="changed while it was read"):
        label_merge.merge(checked, partial(label_merging.said_on, db))


def test_no_more_than_ten_conflicts_are_told_one_by_one(db, merge):
    before = [says("a", of=pair(f"{n}?")) for n in range(12)]
    labels.add_many(db, before)
    merged = merge(*(replace(label, verdict="b", p_a=0.0) for label in before))
    assert (merged.conflicts, len(merged.first)) == (12, label_merge.FIRST)
