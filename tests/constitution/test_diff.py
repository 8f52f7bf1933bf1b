"""Differences between two constitutions."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution.diff import as_text, compare
from cai_core.schema import Constitution, Principle

ONE, TWO, THREE = Principle("one", "a b"), Principle("two", "c"), Principle("three", "d")
OLD = Constitution("c", (ONE, TWO, THREE))


def kinds(new):
    return {change.key: change.kind for change in compare(OLD, new).changes}


def test_equal_constitutions_have_no_difference():
    assert compare(OLD, OLD).same
    assert as_text(compare(OLD, OLD)) == "no difference"


def test_added_removed_and_changed_principles_are_told_apart():
    new = replace(OLD, principles=(replace(ONE, text="a x"), THREE, Principle("four", "e")))
    assert kinds(new) == {"one": "changed", "four": "added", "two": "removed"}


def test_a_changed_wording_carries_its_word_difference():
    change = compare(OLD, replace(OLD, principles=(replace(ONE, text="a x"), TWO, THREE)))
    (field,) = change.changes[0].fields
    assert field.name == "text"
    assert [(part.op, part.text) for part in field.parts] == [
        ("same", "a "),
        ("removed", "b"),
        ("added", "x"),
    ]


def test_a_changed_source_passage_is_a_difference():
    new = replace(OLD, principles=(replace(ONE, source="a.md:1: x"), TWO, THREE))
    assert as_text(compare(OLD, new)) == "~ one\n    source: [+a.md:1: x+]"


def test_only_the_principle_that_was_moved_counts_as_moved():
    diff = compare(OLD, replace(OLD, principles=(THREE, ONE, TWO)))
    (change,) = diff.changes
    assert (change.key, change.kind, change.old_place, change.new_place) == ("three", "moved", 3, 1)


def test_a_principle_moved_and_changed_is_changed_and_says_both():
    new = replace(OLD, principles=(replace(THREE, weight=2.0), ONE, TWO))
    (change,) = compare(OLD, new).changes
    assert change.kind == "changed"
    assert change.moved
    assert "~ three (place 3 to 1)\n    weight: 1.0 -> 2.0" in as_text(compare(OLD, new))


def test_name_and_description_are_compared():
    diff = compare(OLD, replace(OLD, name="d"))
    assert [field.name for field in diff.fields] == ["name"]
    assert not diff.same


@given(st.permutations("abcde"), st.permutations("abcde"))
def test_the_keys_that_stayed_keep_their_order(before, after):
    def constitution(keys):
        return Constitution("c", tuple(Principle(k, "x") for k in keys))

    moved = {c.key for c in compare(constitution(before), constitution(after)).changes}
    assert [k for k in before if k not in moved] == [k for k in after if k not in moved]
