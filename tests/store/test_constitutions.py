"""Versions are numbered, immutable, and never saved over somebody else's."""

from dataclasses import replace

import pytest
from sqlite_utils.utils import sqlite3

from cai_core.errors import ConflictError, ConstitutionError, NotFoundError
from cai_core.schema import Constitution, Principle
from cai_core.store import constitutions
from cai_core.store.database import rows
from tests.store.rows import SHORT

LONGER = replace(SHORT, principles=(*SHORT.principles, Principle("brief", "Be brief.")))


def test_a_version_is_found_as_it_was_saved(db):
    saved = constitutions.save(db, SHORT, author="Ada", message="begin")
    assert (saved.number, saved.parent, saved.author, saved.message) == (1, None, "Ada", "begin")
    assert saved.constitution == SHORT
    assert constitutions.get(db, saved.id) == saved
    assert constitutions.numbered(db, "short", 1) == saved
    assert constitutions.by_hash(db, SHORT.hash) == saved


def test_the_next_version_names_its_parent(db):
    one = constitutions.save(db, SHORT, author="Ada")
    two = constitutions.save(db, LONGER, author="Grace", parent=one.id)
    assert (two.number, two.parent) == (2, one.id)
    assert constitutions.newest(db, "short") == two
    assert constitutions.versions(db, "short") == [two, one]


def test_saving_without_a_change_makes_no_version(db):
    one = constitutions.save(db, SHORT, author="Ada")
    assert constitutions.save(db, SHORT, author="Grace", parent=one.id) == one


def test_a_changed_description_is_a_change_though_the_hash_stays(db):
    one = constitutions.save(db, SHORT, author="Ada")
    described = replace(SHORT, description="Two rules.")
    two = constitutions.save(db, described, author="Ada", parent=one.id)
    assert (two.number, two.constitution.hash) == (2, one.constitution.hash)
    assert constitutions.by_hash(db, SHORT.hash) == one


def test_who_saves_second_is_told_what_the_first_saved(db):
    one = constitutions.save(db, SHORT, author="Ada")
    two = constitutions.save(db, LONGER, author="Grace", parent=one.id)
    mine = replace(SHORT, principles=SHORT.principles[:1])
    with pytest.raises(ConflictError, match="Grace saved version 2 of 'short' first") as caught:
        constitutions.save(db, mine, author="Ada", parent=one.id)
    assert caught.value.current == two
    assert constitutions.newest(db, "short") == two


def test_a_new_name_that_is_taken_is_refused(db):
    constitutions.save(db, SHORT, author="Ada")
    with pytest.raises(ConflictError, match="first"):
        constitutions.save(db, LONGER, author="Grace")


def test_a_parent_of_a_name_without_versions_is_refused(db):
    with pytest.raises(ConflictError, match="no versions yet"):
        constitutions.save(db, SHORT, author="Ada", parent="gone")


def test_an_old_version_is_restored_as_a_new_one(db):
    one = constitutions.save(db, SHORT, author="Ada")
    two = constitutions.save(db, LONGER, author="Ada", parent=one.id)
    three = constitutions.save(db, one.constitution, author="Ada", parent=two.id)
    assert three.number == 3
    assert three.constitution == one.constitution
    assert three.id != one.id


def test_what_cannot_be_used_is_not_saved(db):
    with pytest.raises(ConstitutionError, match="no enabled principle"):
        constitutions.save(db, Constitution("empty"), author="Ada")
    assert constitutions.names(db) == []


@pytest.mark.parametrize("sql", ["UPDATE versions SET author = 'Eve'", "DELETE FROM versions"])
def test_a_version_never_changes(db, sql):
    constitutions.save(db, SHORT, author="Ada")
    with pytest.raises(sqlite3.IntegrityError, match="a version never changes"):
        db.execute(sql)


def test_replacing_a_row_is_no_way_round(db):
    saved = constitutions.save(db, SHORT, author="Ada")
    with pytest.raises(sqlite3.IntegrityError, match="a version never changes"):
        db["versions"].insert(
            rows(db, "SELECT * FROM versions")[0] | {"author": "Eve"}, replace=True
        )
    assert constitutions.get(db, saved.id).author == "Ada"


def test_names_begin_with_what_was_saved_last(db):
    one = constitutions.save(db, SHORT, author="Ada")
    constitutions.save(db, replace(SHORT, name="other"), author="Ada")
    assert constitutions.names(db) == ["other", "short"]
    constitutions.save(db, LONGER, author="Ada", parent=one.id)
    assert [v.number for v in constitutions.newest_of_each(db)] == [2, 1]


def test_what_is_not_there_is_said(db):
    with pytest.raises(NotFoundError, match="no constitution 'short'"):
        constitutions.newest(db, "short")
    with pytest.raises(NotFoundError, match="no version 7"):
        constitutions.numbered(db, "short", 7)
    with pytest.raises(NotFoundError, match="no version with the id 'x'"):
        constitutions.get(db, "x")
    assert constitutions.by_hash(db, "x") is None


def test_a_fork_names_the_version_of_the_other_constitution_that_it_began_from(db):
    one = constitutions.save(db, SHORT, author="Ada")
    fork = constitutions.save(db, replace(LONGER, name="fork"), author="Grace", parent=one.id)
    assert (fork.number, fork.parent) == (1, one.id)
    assert constitutions.origin(db, fork) == one
    two = constitutions.save(db, replace(SHORT, name="fork"), author="Ada", parent=fork.id)
    assert (two.number, two.parent) == (2, fork.id)
    assert constitutions.origin(db, two) is None
    assert constitutions.origin(db, one) is None
    assert constitutions.newest(db, "short") == one


def test_a_fork_under_a_name_that_is_taken_is_refused(db):
    one = constitutions.save(db, SHORT, author="Ada")
    other = constitutions.save(db, replace(SHORT, name="other"), author="Ada")
    with pytest.raises(ConflictError, match="saved version 1 of 'other' first"):
        constitutions.save(db, replace(LONGER, name="other"), author="Ada", parent=one.id)
    assert constitutions.versions(db, "other") == [other]
