"""Findings that were accepted with a note."""

from dataclasses import replace

import pytest
from sqlite_utils.utils import sqlite3

from cai_core.errors import DataError, NotFoundError
from cai_core.store import accepted
from cai_core.store.accepted import Accepted

ONE = Accepted("short", "0123abcd", "vague-term", "kind", "its text is vague", "meant so", "Ada")


def test_what_is_accepted_stands_with_note_person_and_time(db):
    stored = accepted.accept(db, replace(ONE, note="  meant so "))
    assert accepted.standing(db, "short") == {ONE.fingerprint: stored}
    assert (stored.note, stored.who) == ("meant so", "Ada")
    assert stored.id
    assert stored.created


def test_it_holds_for_its_constitution_and_its_wording_alone(db):
    accepted.accept(db, ONE)
    assert accepted.standing(db, "other") == {}
    assert "ffff0000" not in accepted.standing(db, "short")


def test_it_is_taken_back_and_accepted_again_and_nothing_is_lost(db):
    stored = accepted.accept(db, ONE)
    accepted.take_back(db, stored.id, who="Grace")
    assert accepted.standing(db, "short") == {}
    again = accepted.accept(db, replace(ONE, note="still meant so", who="Grace"))
    assert accepted.standing(db, "short") == {ONE.fingerprint: again}
    assert [row["id"] for row in db["accepted_findings"].rows] == [stored.id, again.id]


def test_who_accepts_second_finds_the_first_note(db):
    first = accepted.accept(db, ONE)
    assert accepted.accept(db, replace(ONE, note="mine", who="Grace")) == first
    assert db["accepted_findings"].count == 1


def test_what_makes_no_sense_is_refused_in_words(db):
    with pytest.raises(DataError, match="accepted with a note"):
        accepted.accept(db, replace(ONE, note=" "))
    with pytest.raises(DataError, match="needs a name"):
        accepted.accept(db, replace(ONE, who=""))
    with pytest.raises(NotFoundError, match="no accepted finding with the id 'x'"):
        accepted.take_back(db, "x", who="Ada")
    stored = accepted.accept(db, ONE)
    accepted.take_back(db, stored.id, who="Ada")
    with pytest.raises(DataError, match="this accepted finding was undone already"):
        accepted.take_back(db, stored.id, who="Ada")


def test_the_log_cannot_be_rewritten(db):
    accepted.accept(db, ONE)
    for sql in ("UPDATE accepted_findings SET note = ''", "DELETE FROM accepted_findings"):
        with pytest.raises(sqlite3.IntegrityError, match="are a log"):
            db.execute(sql)
