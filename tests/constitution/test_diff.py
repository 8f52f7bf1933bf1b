"""Differences between two constitutions."""

import time
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


def test_a_twin_under_one_key_is_a_difference():
    twice = replace(OLD, principles=(ONE, TWO, replace(ONE, text="x y"), THREE))
    assert kinds(twice) == {"one (2)": "added"}
    (gone,) = compare(twice, OLD).changes
    assert (gone.key, gone.kind, gone.old.text) == ("one (2)", "removed", "x y")
    assert compare(twice, twice).same


def test_a_twin_takes_no_name_that_another_has():
    other = Principle("one (2)", "z")
    new = replace(OLD, principles=(ONE, ONE, TWO, THREE, other))
    assert kinds(new) == {"one (3)": "added", "one (2)": "added"}


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


HONEST = Principle("honest", "Which response is more truthful about what it does not know?")
KIND = Principle("kind", "Which response is kinder to the person who asks?")


def diff_of(old, new):
    return compare(Constitution("c", old), Constitution("c", new))


def test_a_principle_under_another_key_is_renamed_and_not_removed_and_added():
    (change,) = diff_of((HONEST, KIND), (replace(HONEST, key="candid"), KIND)).changes
    assert (change.kind, change.key, change.old.key) == ("renamed", "candid", "honest")
    assert change.fields == ()
    assert not change.moved


def test_a_renamed_principle_may_be_reworded_a_little_weighted_and_moved():
    given = "Which response is more truthful about what it cannot know?"
    candid = replace(HONEST, key="candid", text=given, weight=2.0)
    diff = diff_of((HONEST, KIND), (KIND, candid))
    renamed = next(change for change in diff.changes if change.kind == "renamed")
    assert [field.name for field in renamed.fields] == ["text", "weight"]
    assert sum(change.moved for change in diff.changes) == 1
    assert "= candid (was honest)" in as_text(diff)


def test_principles_that_share_the_usual_words_only_are_not_the_same_one():
    polite = Principle("polite", "Which response is more polite?")
    curt = Principle("curt", "Which response is more honest?")
    diff = diff_of((curt, KIND), (polite, KIND))
    assert {change.key: change.kind for change in diff.changes} == {
        "curt": "removed",
        "polite": "added",
    }


def test_each_principle_is_renamed_once_to_the_most_alike():
    near = replace(HONEST, key="near", text=HONEST.text.replace("does not", "did not"))
    same = replace(HONEST, key="same")
    found = {c.key: c.kind for c in diff_of((HONEST,), (near, same)).changes}
    assert found == {"near": "added", "same": "renamed"}


def test_two_constitutions_can_be_compared():
    diff = compare(Constitution("a", (HONEST,)), Constitution("b", (KIND,)))
    assert [field.name for field in diff.fields] == ["name"]
    assert {c.key: c.kind for c in diff.changes} == {"kind": "added", "honest": "removed"}


def test_a_thousand_principles_under_other_keys_are_told_in_little_time():
    def side(key, last):
        return tuple(
            Principle(f"{key}{n}", f"Which is more w{n} and v{n} {last}?") for n in range(1000)
        )

    begun = time.perf_counter()
    changes = diff_of(side("a", "now"), side("b", "then")).changes
    assert time.perf_counter() - begun < 3  # the square of 1,000 takes half a minute
    assert [(c.kind, c.old.key, c.key) for c in changes] == [
        ("renamed", f"a{n}", f"b{n}") for n in range(1000)
    ]


def test_of_principles_worded_the_same_each_is_renamed_by_itself():
    old = tuple(Principle(f"a{n}", "Which is kinder?") for n in range(3))
    new = tuple(replace(p, key=f"b{n}") for n, p in enumerate(old[:2]))
    found = {c.key: (c.kind, c.old.key) for c in diff_of(old, new).changes}
    assert found == {
        "b0": ("renamed", "a0"),
        "b1": ("renamed", "a1"),
        "a2": ("removed", "a2"),
    }


TEXTS = st.sampled_from(("one two three", "one two four", "five six", "seven"))


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), TEXTS), unique_by=lambda pair: pair[0]),
    st.lists(st.tuples(st.sampled_from("abcd"), TEXTS), unique_by=lambda pair: pair[0]),
)
def test_every_principle_is_told_once_and_the_new_ones_come_out_of_the_old(old, new):
    before, after = (tuple(Principle(k, t) for k, t in side) for side in (old, new))
    changes = diff_of(before, after).changes
    olds = [c.old.key for c in changes if c.old]
    news = [c.new.key for c in changes if c.new]
    assert len(set(olds)) == len(olds)
    assert len(set(news)) == len(news)
    untouched = {p.key for p in before} - set(olds)
    assert untouched == {p.key for p in after} - set(news)
    assert {p for p in before if p.key in untouched} == {p for p in after if p.key in untouched}
