"""Which versions ask something else than the newest one does."""

from dataclasses import replace

from cai_core.review.edited import edited
from cai_core.schema import (
    Constitution,
    ConstitutionRef,
    Label,
    Pair,
    Principle,
    Review,
    Version,
    user,
)

KIND = Principle("kind", "Which is kinder?", critique="Say what is unkind.")
TRUE = Principle("true", "Which is truer?")
PAIR = Pair.of((user("Hi"),), "one", "two")


def version(number, *principles):
    return Version(f"id{number}", number, Constitution("short", principles), None, "Ada", "", "")


def said(number=None, ref=None):
    review = Review(True, "even", 0.1, "Ada", number)
    return Label(PAIR, "a", 1.0, "person", "Ada", review=review, constitution=ref)


def test_only_what_is_compared_counts():
    first = version(1, KIND, TRUE)
    moved = version(2, TRUE, replace(KIND, key="kinder", weight=2.0, critique="Name what hurts."))
    assert edited([first, moved]).numbers == frozenset()
    reworded = version(3, TRUE, replace(KIND, text="Which is warmer?"))
    assert edited([first, moved, reworded]).numbers == {1, 2}
    switched_off = version(4, TRUE, replace(KIND, enabled=False))
    assert edited([first, moved, reworded, switched_off]).numbers == {1, 2, 3}


def test_a_version_that_asks_what_the_newest_asks_again_is_not_among_them():
    back = version(3, KIND)
    assert edited([version(1, KIND), version(2, TRUE), back]).numbers == {2}


def test_a_verdict_is_held_by_its_constitution_and_by_its_number_only_where_it_kept_none():
    old, new = version(1, KIND), version(2, TRUE)
    found = edited([new, old])
    assert found.holds(said(1, old.ref))
    assert not found.holds(said(2, new.ref))
    assert not found.holds(said(1, ConstitutionRef("other", "hash", 1)))
    assert found.holds(said(1))
    assert not found.holds(said())


def test_without_versions_nothing_was_edited():
    assert not edited([]).holds(said(1))
