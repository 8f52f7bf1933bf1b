"""Verdicts given in sight of the judge's label agree with it more."""

import math

import numpy as np

from cai_core.review.anchoring import anchoring, anchoring_of
from cai_core.schema import Label, Pair, Review, user


def said(n, verdict, *, blind, first=True):
    review = Review(blind, "even", 1.0, "Ada", first=first)
    return Label(pair(n), verdict, None, "person", "Ada", review=review)


def pair(n):
    return Pair.of((user(f"q {n}"),), "one", "two")


def test_the_excess_is_of_sighted_over_first_blind_verdicts():
    judged = [Label(pair(n), "a", 0.9, annotator="m") for n in range(40)]
    rows = [said(n, "ab"[n % 2], blind=True) for n in range(20)]
    rows += [said(n, "a", blind=False, first=False) for n in range(20, 40)]
    rows += [said(3, "skip", blind=False), said(99, "a", blind=False)]
    found = anchoring_of(judged, rows)
    assert (found.blind.value, found.sighted.value, found.excess.value) == (0.5, 1.0, 0.5)
    assert found.excess.low > 0


def test_nothing_sighted_has_no_excess():
    found = anchoring_of([Label(pair(0), "a", 0.9)], [said(0, "a", blind=True)])
    assert math.isnan(found.excess.value)
    assert found.sighted.n == 0


def test_the_interval_of_the_excess_holds_the_truth():
    chance = np.random.default_rng(0)
    held = []
    for _ in range(400):
        blind = (chance.random(60) < 0.8).astype(float)
        seen = (chance.random(40) < 0.95).astype(float)
        found = anchoring((blind, np.arange(60)), (seen, np.arange(60, 100))).excess
        held.append(found.low <= 0.15 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.99


def test_verdicts_on_one_pair_are_one_draw():
    chance = np.random.default_rng(1)
    scores = np.repeat((chance.random(20) < 0.7).astype(float), 5)
    other = (chance.random(50) < 0.9).astype(float)
    apart = anchoring((scores, np.arange(100)), (other, np.arange(100, 150))).excess
    together = anchoring((scores, np.repeat(np.arange(20), 5)), (other, np.arange(100, 150))).excess
    assert together.high - together.low > 1.3 * (apart.high - apart.low)
