"""Krippendorff's alpha against worked examples and simulation."""

import math

import numpy as np
import pytest

from cai_core.review.alpha import alpha, alpha_of
from cai_core.schema import Label, Pair, Review, user


def table(*units):
    """Counts of a, tie, b of each unit, given as words."""
    return np.array([[unit.count(one) for one in "atb"] for unit in units], dtype=float)


def test_nominal_alpha_of_two_readers_is_as_computed_by_hand():
    """Four pairs, aa ab bb bb: n = 8, a 3, b 5; D_o = 2/8, D_e = 2*3*5/56, alpha = 1 - 7/15."""
    found = alpha(table("aa", "ab", "bb", "bb"))
    assert found.value == pytest.approx(1 - 0.25 / (30 / 56))
    assert found.n == 4


def test_ordinal_alpha_counts_a_against_b_more_than_a_tie():
    near = table(*["aa"] * 4, *["bb"] * 4, *["tt"] * 2, "at", "tb")
    far = table(*["aa"] * 4, *["bb"] * 4, *["tt"] * 2, "ab", "ab")
    assert alpha(near, metric="ordinal").value > alpha(far, metric="ordinal").value
    assert alpha(near).value == pytest.approx(alpha(far).value, abs=0.1)


def test_ordinal_alpha_is_as_computed_by_hand():
    """aa, at, bb: a 3, tie 1, b 2; distances a-t 2, t-b 1.5, a-b 3.5 in ranks."""
    observed = 2 * 2.0**2 / 6
    expected = 2 * (3 * 4 + 1 * 2 * 2.25 + 3 * 2 * 12.25) / 30
    found = alpha(table("aa", "at", "bb"), metric="ordinal")
    assert found.value == pytest.approx(1 - observed / expected)


def test_alpha_is_undefined_with_one_verdict_throughout_or_one_reader_each():
    assert math.isnan(alpha(table("aa", "aa")).value)
    assert math.isnan(alpha(table("a", "b", "a")).value)
    assert alpha(np.zeros((0, 3))).n == 0


def test_perfect_agreement_has_an_interval():
    found = alpha(table(*["aa", "bb"] * 15))
    assert (found.value, found.high) == (1, 1)
    assert 0.6 < found.low < 0.95


def simulated(chance, pairs, *, right=0.85):
    truth = np.where(chance.random(pairs) < 0.5, 0, 2)
    said = np.zeros((pairs, 3))
    for reader in range(3):
        luck = chance.random(pairs)
        verdict = np.where(luck < right, truth, np.where(luck < right + 0.05, 1, 2 - truth))
        reads = chance.random(pairs) < (1 if reader < 2 else 0.3)
        said[np.arange(pairs)[reads], verdict[reads]] += 1
    return said


@pytest.mark.parametrize("metric", ["nominal", "ordinal"])
def test_the_interval_of_alpha_holds_the_truth_and_is_not_wide(metric):
    chance = np.random.default_rng(0)
    truth = alpha(simulated(chance, 200_000), metric=metric).value
    found = [alpha(simulated(chance, 60), metric=metric) for _ in range(400)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.92
    width = np.mean([one.high - one.low for one in found])
    assert width < 1.25 * 3.92 * np.std([one.value for one in found])


def test_only_first_blind_verdicts_with_a_side_count():
    def said(n, verdict, who, **more):
        given = {"blind": True, "queue": "even", "pi": 1.0, "reviewer": who} | more
        pair = Pair.of((user(f"q {n}"),), "one", "two")
        return Label(pair, verdict, None, "person", who, review=Review(**given))

    rows = [said(n, "ab"[n % 2], who) for n in range(6) for who in ("Ada", "Bob")]
    rows += [
        said(0, "b", "Cy", blind=False),
        said(1, "skip", "Cy"),
        said(2, "b", "Cy", first=False),
    ]
    found = alpha_of(rows)
    assert (found.value, found.n) == (1, 6)
