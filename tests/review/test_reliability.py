"""How reliable one person is, out of pairs that were read twice."""

import numpy as np
import pytest

from cai_core.review.reliability import (
    LEAST,
    Reading,
    people_p,
    readings_in,
    readings_of,
    reliability,
)
from cai_core.schema import HUMAN_P, Label, Pair, Review, user
from cai_core.schema.readings import Verdicts


def simulated(rng, r, n, people=("Ada", "Bob")):
    """Blind readings of n pairs, each right with probability r."""
    truth = rng.random(n) < 0.5
    right = rng.random((n, len(people))) < r
    return [
        Reading(pair, who, float(truth[pair] == right[pair, at]))
        for pair in range(n)
        for at, who in enumerate(people)
    ]


@pytest.mark.parametrize("r", [0.55, 0.7, 0.85, 0.95])
@pytest.mark.parametrize("n", [LEAST, 120])
def test_the_interval_holds_the_truth_in_95_of_100_draws(r, n):
    rng = np.random.default_rng(round(1000 * r) + n)
    found = [reliability(simulated(rng, r, n)).value for _ in range(300)]
    covered = np.mean([one.low <= r <= one.high for one in found])
    assert covered > 0.91  # 0.95 less three standard errors of 300 draws
    assert np.mean([one.value for one in found]) == pytest.approx(r, abs=0.05)


@pytest.mark.parametrize(
    ("r", "n", "most"), [(0.75, 120, 0.24), (0.85, 120, 0.14), (0.85, 400, 0.08)]
)
def test_the_interval_narrows_with_pairs(r, n, most):
    rng = np.random.default_rng(n)
    widths = [(one := reliability(simulated(rng, r, n)).value).high - one.low for _ in range(50)]
    assert np.mean(widths) < most


def test_three_readers_of_a_pair_are_one_pair_and_cover_too():
    rng = np.random.default_rng(3)
    found = [reliability(simulated(rng, 0.8, 100, ("Ada", "Bob", "Cy"))).value for _ in range(200)]
    assert {one.n for one in found} == {100}
    assert np.mean([one.low <= 0.8 <= one.high for one in found]) > 0.9


def test_agreement_under_one_half_is_a_coin():
    readings = [Reading(n, who, float(who == "Ada")) for n in range(40) for who in ("Ada", "Bob")]
    found = reliability(readings)
    assert (found.value.value, found.value.low, found.value.high) == (0.5, 0.5, 0.5)
    assert people_p(1.0, 3, found.used) == 0.5


def test_a_run_of_agreements_is_not_certainty():
    readings = [Reading(n, who, 1.0) for n in range(LEAST) for who in ("Ada", "Bob")]
    assert 0.97 < reliability(readings).used < 1.0


def test_ties_take_no_side_and_are_counted():
    readings = [Reading(1, "Ada", 1.0), Reading(1, "Bob", 0.5), Reading(2, "Ada", 1.0)]
    found = reliability(readings)
    assert (found.value.n, found.ties, found.used) == (0, 1, None)
    assert "not measured (0 pairs read by two people" in found.sentence


def test_second_readings_of_one_person_count_apart_and_only_where_two_people_are_too_few():
    again = [Reading(n, "Ada", 1.0, first) for n in range(40) for first in (True, False)]
    found = reliability(again)
    assert (found.value.n, found.repeated.n) == (0, 40)
    assert found.used == found.repeated.value
    assert "at most that, by one person's second readings" in found.sentence
    rng = np.random.default_rng(0)
    both = reliability([*again, *simulated(rng, 0.7, 100)])
    assert both.used == both.value.value < 0.85


def test_people_who_agree_add_up_in_log_odds():
    odds = 0.8 / 0.2
    assert people_p(1.0, 3, 0.8) == pytest.approx(odds**3 / (1 + odds**3))
    assert people_p(0.0, 3, 0.8) == pytest.approx(1 / (1 + odds**3))


def label(verdict, who, *, turned=False, queue="even", blind=True, first=True):
    pair = Pair.of((user("Hi"),), "one", "two")
    pair, verdict = (pair.swapped(), {"a": "b", "b": "a"}[verdict]) if turned else (pair, verdict)
    review = Review(blind, queue, 0.5, who, first=first)
    return Label(pair, verdict, HUMAN_P.get(verdict), "person", who, review=review)


def test_readings_of_a_file_are_blind_and_of_one_orientation():
    labels = [
        label("a", "Ada"),
        label("a", "Bob", turned=True),
        label("b", "Cy", queue="adjudication"),
        label("b", "Di", blind=False),
        label("skip", "Eve"),
        label("a", "Ada", first=False),
    ]
    assert [(one.person, one.p, one.first) for one in readings_in(labels)] == [
        ("Ada", 1.0, True),
        ("Bob", 1.0, True),
        ("Ada", 1.0, False),
    ]


def test_readings_of_a_workspace_are_those_of_pairs_that_have_two():
    columns = [
        (1, 0, "a", 1.0, True, "even"),
        (1, 1, "b", 0.0, True, "useful"),
        (2, 0, "a", 1.0, True, "even"),
        (1, 2, "a", 1.0, True, "adjudication"),
    ]
    pairs, people, said, sides, blind, queues = map(np.array, zip(*columns, strict=True))
    verdicts = Verdicts(
        pairs, pairs, people, ("Ada", "Bob", "Cy"), said, sides, blind, blind, queues,
        np.array(["2026-01-01"] * 4, dtype="datetime64[us]"),
    )  # fmt: skip
    assert [(one.pair, one.person, one.p) for one in readings_of(verdicts)] == [
        (1, "Ada", 1.0),
        (1, "Bob", 0.0),
    ]
