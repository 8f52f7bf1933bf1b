"""A dataset's labels as a population: people's own rows count as right, and still tell of the judge's."""

import numpy as np
import pytest

from cai_core.review.certificate import certificate
from cai_core.review.frozen import Kept, frozen
from cai_core.review.sampled import Readings
from tests.review.test_sampled import drawn, judged, said

JUDGE = judged([0.9, 0.8, 0.7, 0.6, 0.55, 0.2])


def readings(draws, people):
    return Readings(draws, people, newest=6)


def test_an_overruled_row_is_right_in_the_dataset_and_says_that_the_judge_was_wrong():
    rows = judged([0.9, 0.0, 0.7, 0.6, 0.55, 0.2])  # pair 2: a person said b
    found = frozen(rows, JUDGE, readings(drawn([2], there=6), said((2, "Ada", "b"))), kept=Kept())
    assert found.reviewed.repaired
    assert found.reviewed.right.tolist() == [0.0]
    assert found.population.known == 0
    assert found.population.total == 6
    made = certificate(found.population, found.reviewed)
    assert made.estimate == pytest.approx(
        1 / 6
    )  # its own row is right, the others by what it showed


def test_rows_that_a_person_labelled_without_a_draw_are_known_and_say_nothing_of_others():
    rows = judged([1.0, 0.8, 0.7, 0.6, 0.55, 0.2])
    people = said((1, "Ada", "a"), (2, "Ada", "a"))
    found = frozen(rows, JUDGE, readings(drawn([2], there=6), people), kept=Kept())
    assert found.population.known == 1
    assert found.rows.pairs.tolist() == [2]
    assert not found.reviewed.repaired  # that verdict came after the rows were frozen


def test_a_pair_that_only_a_person_brought_in_says_nothing_of_the_judges_rows():
    """Under a least margin of 0.2 the judge's 0.6 is out; only the person's verdict brought it in."""
    rows = judged([0.9, 0.8, 0.7, 1.0])
    people = said((4, "Ada", "a"), (1, "Ada", "a"))
    found = frozen(
        rows, JUDGE, readings(drawn([4, 1], there=6), people), kept=Kept(least_margin=0.2)
    )
    assert found.population.known == 1
    assert found.rows.pairs.tolist() == [1]


def test_filters_on_judgements_are_followed():
    shaky = judged([0.9, 0.5, 0.6], inconsistent=np.array([True, False, False]))
    shaky.sides[1] = 0.5
    assert Kept().of(shaky).tolist() == [True, False, True]
    assert Kept(ties=True).of(shaky).tolist() == [True, True, True]
    assert Kept(inconsistent=False).of(shaky).tolist() == [False, False, True]
    assert Kept(least_margin=0.2, ties=True).of(shaky).tolist() == [True, True, False]
