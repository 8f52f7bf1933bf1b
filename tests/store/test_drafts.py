"""Unsaved drafts are kept by person, never overwritten unseen, and never lost."""

from dataclasses import replace

import pytest
from sqlite_utils.utils import sqlite3

from cai_core.errors import ConflictError
from cai_core.schema import Constitution, Principle
from cai_core.store import constitutions, drafts
from cai_core.store.drafts import KeptDraft
from tests.store.rows import SHORT

MINE = KeptDraft("Ada", SHORT)
LONGER = replace(SHORT, principles=(*SHORT.principles, Principle("brief", "Be brief.")))


def test_a_draft_is_found_as_it_was_kept(db):
    base = constitutions.save(db, SHORT, author="Ada")
    kept = drafts.keep(db, KeptDraft("Ada", LONGER, base.id))
    assert (kept.constitution, kept.base) == (LONGER, base.id)
    assert kept.updated
    assert drafts.get(db, "Ada", "short") == kept
    assert drafts.stamps(db, "Ada") == {"short": kept.updated}


def test_a_draft_may_hold_what_no_version_may(db):
    odd = Constitution("odd", (Principle(""), Principle("x", "\ud800", tags=("a", "a"))), "?")
    assert drafts.keep(db, KeptDraft("Ada", odd)).constitution == odd
    found = drafts.get(db, "Ada", "odd")
    assert found
    assert found.constitution == odd


def test_everybody_has_their_own(db):
    mine = drafts.keep(db, MINE)
    theirs = drafts.keep(db, KeptDraft("Grace", LONGER))
    assert drafts.get(db, "Ada", "short") == mine
    assert drafts.get(db, "Grace", "short") == theirs
    assert list(drafts.stamps(db, "Ada")) == ["short"]


def test_the_one_that_was_changed_last_stands_first(db):
    other = drafts.keep(db, KeptDraft("Ada", replace(SHORT, name="other")))
    drafts.keep(db, MINE)
    assert list(drafts.stamps(db, "Ada")) == ["short", "other"]
    drafts.keep(db, other)
    assert list(drafts.stamps(db, "Ada")) == ["other", "short"]


def test_who_saw_an_older_state_overwrites_nothing(db):
    first = drafts.keep(db, MINE)
    second = drafts.keep(db, replace(first, constitution=LONGER))
    with pytest.raises(ConflictError, match="changed elsewhere") as caught:
        drafts.keep(db, first)
    assert caught.value.current == second
    assert drafts.get(db, "Ada", "short") == second
    with pytest.raises(ConflictError):
        drafts.keep(db, MINE)


def test_who_saw_one_that_is_gone_is_told(db):
    first = drafts.keep(db, MINE)
    assert drafts.remove(db, first)
    with pytest.raises(ConflictError) as caught:
        drafts.keep(db, first)
    assert caught.value.current is None


def test_only_what_was_seen_is_removed(db):
    first = drafts.keep(db, MINE)
    second = drafts.keep(db, replace(first, constitution=LONGER))
    assert not drafts.remove(db, first)
    assert drafts.get(db, "Ada", "short") == second


def test_what_is_set_aside_can_be_brought_back(db):
    one = drafts.keep(db, MINE)
    drafts.set_aside(db, one, why="discarded")
    assert drafts.get(db, "Ada", "short") is None
    drafts.set_aside(db, KeptDraft("Ada", LONGER), why="replaced")
    newer, older = drafts.aside(db, "Ada")
    assert (older.draft.constitution, older.why) == (SHORT, "discarded")
    assert (newer.draft.constitution, newer.why) == (LONGER, "replaced")
    assert drafts.aside(db, "Grace") == []
    assert drafts.aside(db, "Ada", limit=1) == [newer]


def test_setting_a_seen_state_aside_leaves_a_newer_one_in_place(db):
    first = drafts.keep(db, MINE)
    second = drafts.keep(db, replace(first, constitution=LONGER))
    drafts.set_aside(db, first, why="replaced")
    assert drafts.get(db, "Ada", "short") == second


@pytest.mark.parametrize("sql", ["UPDATE drafts_aside SET why = ''", "DELETE FROM drafts_aside"])
def test_what_was_set_aside_never_changes(db, sql):
    drafts.set_aside(db, MINE, why="discarded")
    with pytest.raises(sqlite3.IntegrityError, match="is a log"):
        db.execute(sql)
