"""The blind pair of two revisions: sides by hash, equal length, and how often the new one wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.impact.blind import (
    fair_pair,
    judged,
    left_out,
    new_side,
    whole_pair,
    win_rates,
    won_by_new,
)
from cai_core.schema import Label
from tests.impact.rewriting import rewrite

FIVE = "one two three four five six"
OTHER = "seven eight nine ten eleven twelve"


def rows(n, old=FIVE, new=OTHER):
    return [rewrite(old, f"{new} {i}", question=f"How many {i}?") for i in range(n)]


def prefers(side_of):
    """A judge that gives every pair the verdict which `side_of` names."""
    return lambda pairs: [Label(pair, side_of(pair), 0.5) for pair in pairs]


def test_sides_are_taken_by_hash_and_both_occur():
    sides = [new_side(one) for one in rows(40)]
    assert {"a", "b"} == set(sides)
    assert 8 < sides.count("a") < 32
    for one in rows(10):
        pair = whole_pair(one)
        assert getattr(pair, f"response_{new_side(one)}") == one.new.revision


def test_a_judge_reads_both_at_equal_length_and_a_person_whole():
    one = rewrite(FIVE, " ".join([OTHER] * 5))
    shown = {len(text.split()) for text in (fair_pair(one).response_a, fair_pair(one).response_b)}
    assert shown == {6}
    whole = whole_pair(one)
    assert {whole.response_a, whole.response_b} == {one.old.revision, one.new.revision}


def test_what_cannot_be_compared_says_why():
    assert fair_pair(rewrite(FIVE, None)) == "failed"
    assert fair_pair(rewrite(FIVE, FIVE.upper() + "!")) == "equal"
    assert fair_pair(rewrite("No.", FIVE)) == "too short"
    assert fair_pair(rewrite(FIVE, f"{FIVE} {OTHER}")) == "equal"
    found = judged([rewrite("No.", FIVE), rewrite(FIVE, None)], {"both": prefers(lambda pair: "a")})
    assert left_out(found) == {"too short": 1, "failed": 1}
    assert win_rates(found) == {}


@pytest.mark.parametrize(("worth", "share"), [("new", 1.0), ("old", 0.0)])
def test_the_win_rate_is_of_the_new_revision_whatever_its_side(worth, share):
    some = rows(12)
    text = OTHER if worth == "new" else FIVE
    judge = prefers(lambda pair: "a" if pair.response_a.startswith(text) else "b")
    found = judged(some, {"old": judge, "new": judge})
    assert win_rates(found)["old"].estimate.value == share
    assert win_rates(found)["new"].estimate.n == 12


def test_a_judge_that_always_says_the_first_place_is_near_even():
    found = judged(rows(60), {"both": prefers(lambda pair: "a")})
    assert 0.3 < win_rates(found)["both"].estimate.value < 0.7


def test_a_pair_without_verdict_is_counted_and_carries_its_reason():
    broken = lambda pairs: [Label(pair, None, None, error="no words") for pair in pairs]  # noqa: E731
    found = judged(rows(2), {"both": broken})
    assert [one.error for one in found] == ["no words"] * 2
    assert win_rates(found)["both"].failed == 2
    assert win_rates(found)["both"].estimate.n == 0


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_breaks_a_pair_and_no_word_is_made_up(old, new):
    one = rewrite(old, new)
    pair = fair_pair(one)
    if isinstance(pair, str):
        return
    side = new_side(one)
    other = "b" if side == "a" else "a"
    assert new.startswith(getattr(pair, f"response_{side}"))
    assert old.startswith(getattr(pair, f"response_{other}"))
    assert won_by_new(Label(pair, side, 0.5), side).verdict == "a"
