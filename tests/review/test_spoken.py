"""Verdict by verdict: by queue, with the judgement in sight, and when it was given."""

from dataclasses import replace

import numpy as np
import pytest

from cai_core.review.spoken import anchored, by_queue, first_said, scores
from tests.review.test_sampled import judged, said

JUDGE = judged([0.9, 0.8, 0.2, np.nan])


def test_a_verdict_agrees_wholly_by_half_or_not_and_failed_labels_say_nothing():
    people = said(
        (1, "Ada", "a"), (2, "Ada", "tie"), (3, "Ada", "a"), (4, "Ada", "a"), (9, "A", "a")
    )
    found = scores(JUDGE, people)
    assert found[:3].tolist() == [1.0, 0.5, 0.0]
    assert np.isnan(found[3:]).all()


def test_each_queue_has_its_own_agreement_the_fullest_first():
    people = said((1, "Ada", "a"), (2, "Ada", "b"), (3, "Ada", "b"))
    people = replace(people, queues=np.array(["filter", "even", "even"]))
    found = by_queue(JUDGE, people)
    assert list(found) == ["even", "filter"]
    assert (found["even"].value, found["even"].n) == (0.5, 2)
    assert found["filter"].value == 1.0


def test_sighted_verdicts_stand_apart_from_first_blind_ones_and_later_ones_in_neither():
    people = said(
        (1, "Ada", "a"), (2, "Ada", "b"), (1, "Ada", "b", False, True),
        (3, "Ben", "b", False, False), (2, "Ben", "a", False, False),
    )  # fmt: skip
    found = anchored(JUDGE, people)
    assert (found.blind.value, found.blind.n) == (0.5, 2)
    assert (found.sighted.value, found.sighted.n) == (1.0, 2)
    assert found.excess.value == pytest.approx(0.5)


def test_when_and_by_whom_is_that_of_the_first_verdict_that_measures():
    people = said((2, "Ada", "skip"), (2, "Ben", "a"), (1, "Ada", "a"), (2, "Cy", "a"))
    times = np.array([f"2026-01-01T00:00:0{n}" for n in range(4)], dtype="datetime64[us]")
    found = first_said(np.array([1, 2]), replace(people, times=times))
    assert [people.names[at] for at in found.people] == ["Ada", "Ben"]
    assert (found.when - found.when.min()).tolist() == [1.0, 0.0]
    assert found.alone.tolist() == [True, True]


def test_verdicts_of_one_time_came_together_though_only_one_of_them_measures_these_pairs():
    people = said((1, "Ada", "a"), (2, "Ada", "b"), (3, "Ada", "skip"), (9, "Ben", "a"))
    times = np.array([f"2026-01-01T00:00:0{n}" for n in (0, 1, 2, 0)], dtype="datetime64[us]")
    assert first_said(np.array([1, 2]), replace(people, times=times)).alone.tolist() == [
        False,
        True,
    ]
