"""Draws and verdicts become the reviews that a certificate is computed from."""

import numpy as np
import pytest

from cai_core.review.sample import checked
from cai_core.review.sampled import Readings, relative_weights
from cai_core.review.sampled import sample as sampled
from cai_core.schema.readings import Draws, JudgedPairs, Verdicts
from cai_core.usefulness import chance_of_level

SIDES = {"a": 1.0, "tie": 0.5, "b": 0.0}


def judged(p, **more):
    p = np.array(p, dtype=float)
    n = len(p)
    sides = np.where(p > 0.5, 1.0, 0.0)
    sides[np.isnan(p)] = np.nan
    given = {
        "pairs": np.arange(1, n + 1),
        "labels": np.arange(n),
        "p_a": p,
        "sides": sides,
        "inconsistent": np.zeros(n, dtype=bool),
    }
    return JudgedPairs(**given | more)


def said(*rows):
    """(pair, person, verdict, first blind?)"""
    names = tuple(dict.fromkeys(row[1] for row in rows))
    first = np.array([(row[3] if len(row) > 3 else True) for row in rows], dtype=bool)
    return Verdicts(
        pairs=np.array([row[0] for row in rows], dtype=np.int64),
        labels=np.arange(len(rows)),
        people=np.array([names.index(row[1]) for row in rows], dtype=np.int64),
        names=names,
        said=np.array([row[2] for row in rows], dtype=np.str_),
        sides=np.array([SIDES.get(row[2], np.nan) for row in rows], dtype=float),
        first_blind=first,
        blind=np.array([(row[4] if len(row) > 4 else True) for row in rows], dtype=bool),
        queues=np.array(["even"] * len(rows), dtype=np.str_),
        times=np.array(["2026-01-01"] * len(rows), dtype="datetime64[us]"),
    )


def drawn(pairs, *, pi=None, queue="even", there=4):
    n = len(pairs)
    return Draws(
        pairs=np.array(pairs, dtype=np.int64),
        queues=np.array([queue] * n, dtype=np.str_),
        pi=np.array([1 / there] * n if pi is None else pi, dtype=float),
        there=np.array([there] * n if np.isscalar(there) else there, dtype=np.int64),
    )


def sample(judgements, draws, people, **more):
    newest = int(judgements.pairs.max())
    return sampled(judgements, Readings(draws, people, newest), **more)


def test_a_label_is_right_where_a_person_says_the_same():
    people = said((1, "Ada", "a"), (3, "Ada", "a"), (4, "Ada", "tie"))
    found = sample(judged([0.9, 0.8, 0.2, 0.7]), drawn([4, 1, 3]), people)
    checked(found.population, found.reviewed)
    assert found.reviewed.index.tolist() == [3, 0, 2]
    assert found.reviewed.right.tolist() == [0.5, 1.0, 0.0]
    assert found.reviewed.weight.tolist() == [1.0, 1.0, 1.0]
    assert found.people.tolist() == [0.5, 1.0, 1.0]
    assert found.reviewed.ties == 1
    assert found.population.confidence.tolist() == pytest.approx([0.9, 0.8, 0.8, 0.7])


def test_several_people_on_a_pair_count_once_with_their_mean():
    people = said((1, "Ada", "a"), (1, "Ben", "b"), (1, "Cy", "a"))
    found = sample(judged([0.9, 0.8]), drawn([1], there=2), people)
    assert found.reviewed.right.tolist() == pytest.approx([2 / 3])


def test_what_does_not_measure_is_counted_by_reason():
    people = said(
        (1, "Ada", "bad"), (2, "Ada", "skip"), (3, "Ada", "a"), (3, "Ada", "b", False, True),
        (4, "Ada", "b", False, False), (5, "Ben", "a"),
    )  # fmt: skip
    found = sample(judged([0.9] * 6), drawn([1, 2, 3, 6], there=6), people)
    assert found.reviewed.index.tolist() == [2]
    assert found.reviewed.left_out == {
        "bad": 1, "skip": 1, "sighted": 1, "not the first": 1, "narrow queue": 1,
        "taken back": 1,
    }  # fmt: skip


def test_a_failed_judgement_is_no_label_and_its_pair_is_not_of_the_population():
    found = sample(
        judged([np.nan, 0.8, 0.2]),
        drawn([1, 3], there=3),
        said((1, "Ada", "a"), (3, "Ada", "b")),
    )
    assert len(found.population) == 2
    assert found.reviewed.index.tolist() == [1]


def test_useful_draws_weigh_by_how_unlikely_they_were_and_even_ones_do_not():
    both = Draws(
        pairs=np.array([1, 2, 3]),
        queues=np.array(["useful", "useful", "even"]),
        pi=np.array([0.5, 0.125, 0.25]),
        there=np.array([4, 4, 4]),
    )
    assert relative_weights(both).tolist() == [0.5, 2.0, 1.0]
    assert relative_weights(both, whole=False).tolist() == pytest.approx([0.4, 1.6, 1.0])


def test_pairs_that_came_later_count_as_much_as_there_are_of_them():
    """1,000 old pairs, 1,000 new ones; 100 draws before, 40 after: the old must not outweigh the new."""
    rng = np.random.default_rng(0)
    old = rng.permutation(np.arange(1, 1001))[:100]
    rest = np.setdiff1d(np.arange(1, 2001), old)
    new = rng.permutation(rest)[:40]
    pairs = np.concatenate([old, new])
    there = np.array([1000] * 100 + [2000] * 40)
    draws = Draws(pairs, np.array(["even"] * 140), 1 / there, there)
    truth = np.arange(1, 2001) <= 1000  # the old are right, the new are not: half of all
    people = said(*((int(pair), "Ada", "a" if truth[pair - 1] else "b") for pair in pairs))
    found = sample(judged([0.9] * 2000), draws, people)
    weighed = np.average(found.reviewed.right, weights=found.reviewed.weight)
    assert weighed == pytest.approx(0.5, abs=1e-9)
    assert found.reviewed.right.mean() > 0.8
    assert found.unreached == 0


def test_pairs_that_came_after_the_last_draw_are_counted():
    found = sample(judged([0.9] * 10), drawn([1, 2], there=6), said((1, "A", "a"), (2, "A", "a")))
    assert found.unreached == 4


def test_the_learned_judge_predicts_whether_a_label_is_right():
    found = sample(
        judged([0.9, np.nan, 0.2]),
        drawn([1], there=3),
        said((1, "Ada", "a")),
        taught=np.array([0.7, 0.5, 0.9]),
    )
    assert found.population.predictors[:, 1].tolist() == pytest.approx([0.7, 0.1])


def test_without_any_draw_first_blind_verdicts_are_taken_for_a_random_sample_and_it_says_so():
    found = sample(judged([0.9, 0.8, 0.2]), drawn([]), said((3, "Ada", "a"), (1, "Ada", "a")))
    assert found.reviewed.assumes_random
    assert not found.reviewed.ordered
    assert found.reviewed.index.tolist() == [0, 2]
    assert found.reviewed.right.tolist() == [1.0, 0.0]
    assert found.reviewed.left_out == {}
    assert not sample(judged([0.9]), drawn([]), said()).reviewed.assumes_random


def test_two_people_agree_by_halves_where_one_says_tie_and_a_pair_counts_once():
    people = said(
        (1, "Ada", "a"), (1, "Ben", "a"), (1, "Cy", "b"), (2, "Ada", "a"), (2, "Ben", "tie"),
        (3, "Ada", "a"),
    )  # fmt: skip
    found = sample(judged([0.9] * 3), drawn([1, 2, 3]), people).human_human
    assert found.n == 2
    assert found.value == pytest.approx((1 / 3 + 1 / 2) / 2)


def test_the_gate_is_told_how_much_a_draw_could_have_weighed():
    people = said((1, "Ada", "a"), (2, "Ada", "a"))
    even = sample(judged([0.9] * 4), drawn([1, 2]), people)
    assert even.reviewed.heaviest == 1.0
    useful = sample(judged([0.9] * 4), drawn([1, 2], queue="useful"), people)
    assert useful.reviewed.heaviest == pytest.approx(1 / chance_of_level(0))
