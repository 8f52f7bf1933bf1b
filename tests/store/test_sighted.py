"""What a person saw of a judge is remembered, by person and pair, for good."""

import pytest
from sqlite_utils.utils import sqlite3

from cai_core.store import pairs, sighted
from tests.store.rows import pair


def test_what_was_seen_is_remembered_by_person(db):
    kept = pairs.add(db, [pair("one"), pair("two")]).ids
    sighted.mark(db, "Ada", kept[:1])
    sighted.mark(db, "Ada", kept[:1])
    assert sighted.among(db, "Ada", kept) == {kept[0]}
    assert sighted.among(db, "Bob", kept) == frozenset()


def test_a_pair_that_is_not_stored_is_left_out(db):
    sighted.mark(db, "Ada", ["nowhere"])
    assert db["sighted"].count == 0


def test_nothing_that_was_seen_can_be_forgotten(db):
    sighted.mark(db, "Ada", pairs.add(db, [pair("one")]).ids)
    with pytest.raises(sqlite3.IntegrityError, match="what was seen was seen"):
        db.conn.execute("DELETE FROM sighted")
