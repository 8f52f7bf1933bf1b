"""Revisions and what people decided on them."""

import pytest
from sqlite_utils.utils import sqlite3

from cai_core.errors import DataError, NotFoundError
from cai_core.store import revisions
from cai_core.store.revisions import RevisionFilter
from tests.store.rows import REF, revision


def test_a_revision_comes_back_whole(db):
    given = revision(extra={"n": 1})
    found = revisions.get(db, revisions.add(db, given, job="j"))
    assert (found.revision, found.job, found.decision) == (given, "j", None)
    assert found.response == "Kindly so."


def test_a_row_of_a_job_comes_in_once(db):
    given = [revision("one"), revision("two")]
    assert revisions.add_many(db, given, job="j") == 2
    assert revisions.add_many(db, given, job="j") == 0
    assert revisions.count(db) == 2


def test_a_row_that_failed_gives_way_to_the_one_asked_again(db):
    revisions.add(db, revision(error="timed out"), job="j")
    assert revisions.count(db) == 0
    assert revisions.count(db, RevisionFilter(failed=True)) == 1
    revisions.add(db, revision(), job="j")
    assert revisions.count(db) == 1
    assert revisions.count(db, RevisionFilter(failed=None)) == 1


def test_a_decision_counts_and_a_correction_replaces_the_response(db):
    key = revisions.add(db, revision())
    revisions.decide(db, key, "keep", person="Ada")
    assert revisions.get(db, key).decision.verdict == "keep"
    revisions.decide(db, key, "correct", person="Ada", text="Mine.", note="shorter")
    found = revisions.get(db, key)
    assert (found.response, found.decision.note) == ("Mine.", "shorter")
    assert found.revision.final == "Kindly so."


def test_undo_brings_back_the_decision_before(db):
    key = revisions.add(db, revision())
    revisions.decide(db, key, "drop", person="Ada")
    second = revisions.decide(db, key, "keep", person="Ada")
    revisions.undo(db, second, who="Ada")
    assert revisions.get(db, key).decision.verdict == "drop"
    assert [(e.verdict, e.undone) for e in revisions.history(db, key)] == [
        ("keep", True),
        ("drop", False),
    ]
    assert revisions.last_of(db, "Ada").verdict == "drop"
    assert revisions.last_of(db, "Grace") is None


def test_what_makes_no_sense_is_refused_in_words(db):
    key = revisions.add(db, revision())
    with pytest.raises(DataError, match="corrected response is empty"):
        revisions.decide(db, key, "correct", person="Ada", text=" ")
    with pytest.raises(DataError, match="needs a name"):
        revisions.decide(db, key, "keep", person="")
    with pytest.raises(DataError, match="one of keep, drop, correct, skip"):
        revisions.decide(db, key, "maybe", person="Ada")
    with pytest.raises(NotFoundError, match="no revision with the id 'x'"):
        revisions.decide(db, "x", "keep", person="Ada")
    event = revisions.decide(db, key, "keep", person="Ada")
    revisions.undo(db, event, who="Ada")
    with pytest.raises(DataError, match="undone already"):
        revisions.undo(db, event, who="Ada")
    with pytest.raises(NotFoundError, match="no decision with the id 'x'"):
        revisions.undo(db, "x", who="Ada")


@pytest.mark.parametrize("table", ["revisions", "decisions"])
def test_the_logs_are_never_changed(db, table):
    revisions.decide(db, revisions.add(db, revision()), "keep", person="Ada")
    with pytest.raises(sqlite3.IntegrityError, match="are a log"):
        db.execute(f"DELETE FROM {table}")


def test_revisions_are_filtered(db):
    one = revisions.add(db, revision("One?", 'He said "so".'), job="j")
    revisions.add(db, revision("two", model="n", constitution=None), job="k")
    revisions.decide(db, one, "keep", person="Ada")
    for where, n in [
        (RevisionFilter(), 2),
        (RevisionFilter(text="one?"), 1),
        (RevisionFilter(text='said "so"'), 1),
        (RevisionFilter(text="principle"), 0),
        (RevisionFilter(job="j"), 1),
        (RevisionFilter(model="n"), 1),
        (RevisionFilter(constitution=REF.hash), 1),
        (RevisionFilter(decided=True), 1),
        (RevisionFilter(decided=False), 1),
        (RevisionFilter(decision="keep"), 1),
        (RevisionFilter(decision="drop"), 0),
    ]:
        assert (revisions.count(db, where), len(revisions.find(db, where))) == (n, n), where
    assert [r.revision.id for r in revisions.find(db, order="newest", limit=1)] == ["two"]
