"""Guidelines for reviewers are a log by constitution; the newest text counts."""

import pytest

from cai_core.errors import DataError
from cai_core.store import guidelines


def test_the_newest_text_counts_and_the_old_ones_stay(db):
    assert guidelines.newest(db, "short") is None
    assert guidelines.write(db, "short", " Mind the tone. ", person="Ada")
    assert guidelines.write(db, "short", "Mind the facts.", person="Bob")
    now = guidelines.newest(db, "short")
    assert (now.text, now.person) == ("Mind the facts.", "Bob")
    assert guidelines.newest(db, "other") is None
    assert db["guidelines"].count == 2


def test_the_same_text_again_is_no_event(db):
    guidelines.write(db, "short", "Mind the tone.", person="Ada")
    assert not guidelines.write(db, "short", "Mind the tone. ", person="Bob")
    assert guidelines.write(db, "short", "", person="Bob")
    assert guidelines.newest(db, "short").text == ""


@pytest.mark.parametrize(("text", "person"), [("x" * 20_001, "Ada"), ("x", " ")])
def test_too_long_a_text_and_no_name_are_refused(db, text, person):
    with pytest.raises(DataError):
        guidelines.write(db, "short", text, person=person)
    assert db["guidelines"].count == 0
