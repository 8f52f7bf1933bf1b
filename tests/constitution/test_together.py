"""Two edits of one version, put together."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution.together import put_together
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle

A, B, C = (Principle(key, f"Which is {key}?") for key in "abc")
BASE = Constitution("c", (A, B, C))
B2, C2 = replace(B, text="Which is better?"), replace(C, weight=2.0)
NEW = Principle("new", "Which is newer?")


def both(theirs, mine):
    return put_together(BASE, replace(BASE, principles=theirs), replace(BASE, principles=mine))


def test_each_edit_is_there_where_they_touch_different_principles():
    found = both((A, B2, C), (A, B, C2))
    assert found.constitution.principles == (A, B2, C2)
    assert found.clashes == ()


def test_where_both_changed_a_principle_mine_stands_and_it_is_named():
    mine = replace(B, text="Which is best?")
    found = both((A, B2, C2), (A, mine, C))
    assert found.constitution.principles == (A, mine, C2)
    assert found.clashes == ("b",)


def test_the_same_change_twice_is_no_clash():
    assert both((A, B2, C), (A, B2, C)).clashes == ()


def test_what_one_removed_is_gone_unless_the_other_changed_it():
    assert both((A, C), (A, B, C2)).constitution.principles == (A, C2)
    changed = both((A, C), (A, B2, C))
    assert (changed.constitution.principles, changed.clashes) == ((A, B2, C), ("b",))
    removed = both((A, B2, C), (A, C))
    assert (removed.constitution.principles, removed.clashes) == ((A, C), ("b",))


def test_what_is_added_stands_behind_what_it_stood_behind():
    assert both((A, NEW, B, C), (C, A, B)).constitution.principles == (C, A, NEW, B)
    assert both((C, A, B), (NEW, A, B, C)).constitution.principles == (NEW, C, A, B)


def test_a_description_comes_from_whoever_changed_it():
    told = put_together(BASE, replace(BASE, description="theirs"), BASE)
    assert told.constitution.description == "theirs"


def test_two_principles_under_one_key_are_refused_and_none_is_lost():
    twin = Principle("a", "Which is shorter?")
    with pytest.raises(ConstitutionError, match="the key 'a' stands twice; give one"):
        both((A, B2, C), (A, B, C, twin))
    with pytest.raises(ConstitutionError, match="the key 'a' stands twice"):
        both((A, twin, B, C), (A, B, C2))


SIDES = st.lists(
    st.builds(Principle, st.sampled_from("abcd"), st.sampled_from(("x", "y", "z"))),
    unique_by=lambda principle: principle.key,
).map(lambda some: Constitution("c", tuple(some)))


@given(SIDES, SIDES)
def test_who_changed_nothing_changes_nothing(base, edited):
    for found in (put_together(base, edited, base), put_together(base, base, edited)):
        assert found.constitution == edited
        assert found.clashes == ()


@given(SIDES, SIDES, SIDES)
def test_nothing_is_told_twice_and_only_what_both_touched_clashes(base, theirs, mine):
    found = put_together(base, theirs, mine)
    keys = [principle.key for principle in found.constitution.principles]
    assert len(set(keys)) == len(keys)
    for principle in found.constitution.principles:
        assert principle in (*theirs.principles, *mine.principles)
    other = put_together(base, mine, theirs)
    assert set(found.clashes) == set(other.clashes)
