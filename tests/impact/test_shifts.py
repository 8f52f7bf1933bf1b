"""Tables of shifts, flips, and people's verdicts beside both versions."""

from dataclasses import replace

import numpy as np
import pytest

from cai_core.impact.outcome import Judged
from cai_core.impact.people import against, by_part, mcnemar, part_of
from cai_core.impact.shifts import flip_counts, flip_share, shift_table
from cai_core.schema import Pair, user
from cai_core.stats import sigmoid


def judged(number, old, new, *, label="a", a="Yes, of course.", b="No.", votes=None):
    pair = Pair.of((user(f"Question {number}?"),), a, b, label=label)
    return Judged(pair, old, new, votes or {})


def random_judged(rng, size):
    old = rng.normal(0, 1)
    moved = rng.normal(size, 1)
    way = rng.choice([-1, 1])
    votes = {"k": (float(sigmoid(old)), float(sigmoid(old + way * moved)))}
    return judged(
        rng.integers(10**9),
        float(sigmoid(old)),
        float(sigmoid(old + way * moved)),
        label="a" if way > 0 else "b",
        votes=votes,
    )


def test_a_shift_is_signed_by_what_lies_that_way_and_not_by_the_side():
    some = [judged(i, 0.5, 0.7) for i in range(3)] + [
        judged(i, 0.5, 0.3, label="b", a="No.", b="Yes, of course.") for i in range(3, 6)
    ]
    table = {s.direction: s for s in shift_table(some, {}) if s.kind == "all"}
    assert table["people"].estimate.value == pytest.approx(np.log(0.7 / 0.3))
    assert table["longer"].estimate.value == pytest.approx(np.log(0.7 / 0.3))
    assert "refusal" not in table


def test_the_table_has_principles_and_tags():
    some = [judged(i, 0.5, 0.7, votes={"x": (0.5, 0.8), "y": (0.5, 0.5)}) for i in range(4)]
    table = shift_table(some, {"x": ("t",), "y": ("t",)})
    told = {(s.kind, s.what): s.estimate.value for s in table if s.direction == "people"}
    assert told["principle", "x"] == pytest.approx(np.log(4))
    assert told["tag", "t"] == pytest.approx(np.log(4) / 2)


def test_under_no_effect_a_corrected_table_is_silent_and_covers():
    rng = np.random.default_rng(1)
    tags = {"k": ("t",)}
    silent = covered = cells = 0
    for _ in range(200):
        table = shift_table([random_judged(rng, 0.0) for _ in range(30)], tags)
        silent += all(s.q > 0.05 for s in table)
        covered += sum(s.estimate.low <= 0 <= s.estimate.high for s in table)
        cells += len(table)
    assert silent / 200 >= 0.92
    assert covered / cells >= 0.93


def test_a_real_effect_is_told_and_its_interval_is_no_wider_than_needed():
    rng = np.random.default_rng(2)
    found = [
        shift_table([random_judged(rng, 1.0) for _ in range(40)], {"k": ()}) for _ in range(50)
    ]
    cells = [s for table in found for s in table if s.direction == "people"]
    assert np.mean([s.q <= 0.05 for s in cells]) > 0.95
    assert np.mean([s.estimate.low <= 1.0 <= s.estimate.high for s in cells]) >= 0.9
    widths = [s.estimate.high - s.estimate.low for s in cells]
    assert np.median(widths) < 1.3 * 2 * 1.96 / np.sqrt(40)


def test_flips_are_counted_by_direction():
    some = [judged(1, 0.4, 0.6), judged(2, 0.6, 0.4), judged(3, 0.6, 0.7), judged(4, None, 0.7)]
    counts = flip_counts(some)["people"]
    assert (counts.towards, counts.away, counts.pairs) == (1, 1, 3)
    share = flip_share(some)
    assert share.value == pytest.approx(2 / 3)
    assert 0 <= share.low <= share.high <= 1


def test_no_flip_among_forty_pairs_is_no_certainty():
    share = flip_share([judged(i, 0.6, 0.7) for i in range(40)])
    assert (share.value, share.low) == (0, 0)
    assert 0.05 < share.high < 0.12


def test_mcnemar_is_the_exact_binomial():
    assert mcnemar(5, 0) == pytest.approx(2 * 0.5**5)
    assert mcnemar(3, 3) == 1.0


def test_people_agree_before_and_after():
    found = against([judged(1, 0.4, 0.6), judged(2, 0.6, 0.7), judged(3, 0.6, 0.4, label="b")])
    assert (found.gained, found.lost) == (2, 0)
    assert (found.before.value, found.after.value) == (pytest.approx(1 / 3), 1.0)


def test_ties_and_unlabelled_pairs_say_nothing_of_people():
    assert against([judged(1, 0.5, 0.6), judged(2, 0.4, 0.6, label=None)]).before.n == 0


def test_half_of_the_prompts_are_locked_and_stay_so():
    parts = [part_of(f"Question {i}?") for i in range(1000)]
    assert 0.45 < parts.count("locked") / 1000 < 0.55
    some = [judged(i, 0.4, 0.6) for i in range(20)]
    assert len(by_part(some, "tune")) + len(by_part(some, "locked")) == 20
    assert all(part_of(f"question {i}") == parts[i] for i in range(1000))


def test_pairs_of_one_prompt_are_one_draw_against_people():
    pair = judged(1, 0.4, 0.6).pair
    some = [
        Judged(replace(pair, id=f"p{i}", response_a=f"Yes, of course {i}."), 0.4, 0.6, {})
        for i in range(8)
    ]
    found = against(some)
    assert (found.before.n, found.gained, found.p) == (1, 1, 1.0)
    assert found.after.low < 0.5
