"""The numbers of two revisions of the same answers, and their intervals."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.impact.contrasts import contrasts, mean_similarity, share_difference
from tests.impact.rewriting import NO, rewrite

YES = "It is so, and here is why it is so."


def by_name(rows):
    return {one.name: one for one in contrasts(rows)}


def row(place, old, new, **more):
    return rewrite(old, new, question=f"How many {place}?", **more)


def test_refusals_are_counted_before_and_after_and_tested_in_pairs():
    rows = [row(i, YES, NO) for i in range(6)] + [row(i, YES, YES) for i in range(6, 10)]
    found = by_name(rows)["refuses"]
    assert (found.old.value, found.new.value, found.difference.value) == (0.0, 0.6, 0.6)
    assert (found.gained, found.lost) == (6, 0)
    assert found.p == pytest.approx(2 * 0.5**6)
    assert found.difference.low > 0
    assert found.first.value == 0.0


def test_no_change_in_a_few_prompts_is_no_certainty():
    found = by_name([row(i, YES, YES) for i in range(8)])["refuses"]
    assert found.difference.value == 0.0
    assert found.difference.low < -0.2
    assert found.difference.high > 0.2
    assert found.new.high > 0.2


def test_rows_of_one_prompt_are_one_draw():
    once = [row(i, YES, NO if i % 2 else YES) for i in range(10)]
    thrice = [row(i, YES, NO if i % 2 else YES, id=str(k)) for i in range(10) for k in range(3)]
    first, second = (by_name(rows)["refuses"] for rows in (once, thrice))
    assert second.difference == first.difference
    assert (second.gained, second.p, second.new) == (first.gained, first.p, first.new)


def test_words_are_a_mean_difference_without_a_test():
    rows = [row(i, "one two three", "one two three four" + " x" * i) for i in range(5)]
    found = by_name(rows)["words"]
    assert (found.old.value, found.new.value, found.difference.value) == (3.0, 6.0, 3.0)
    assert found.difference.n == 5
    assert (found.gained, found.lost) == (5, 0)
    assert math.isnan(found.p)


def test_unchanged_and_looping_revisions_are_told():
    loop = "I promise to pay you. " * 5
    found = by_name([row(0, "It is a first answer!", loop), row(1, YES, YES)])
    assert (found["unchanged"].old.value, found["unchanged"].new.value) == (0.5, 0.0)
    assert (found["loops"].old.value, found["loops"].new.value) == (0.0, 0.5)
    assert math.isnan(found["unchanged"].first.value)


def test_failed_rows_are_left_out_and_nothing_at_all_is_undefined():
    found = by_name([row(0, YES, None)])
    assert all(math.isnan(one.difference.value) and one.difference.n == 0 for one in found.values())
    assert math.isnan(mean_similarity([]).value)


def test_similarity_is_one_where_both_say_the_same():
    assert mean_similarity([row(i, YES, YES) for i in range(3)]).value == 1.0
    half = mean_similarity([row(0, "a b c d", "a b x y"), row(1, YES, YES)])
    assert half.value == pytest.approx(0.75)
    assert half.high <= 1.0


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=1, max_size=40))
def test_an_interval_of_a_difference_holds_it_and_stays_in_its_range(moved):
    found = share_difference(moved)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    assert found.n == len(moved)
