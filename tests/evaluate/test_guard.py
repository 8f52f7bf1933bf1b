"""A model beside its base: alike ones hold, each way of breaking is found."""

import math
import random

import pytest

from cai_core.evaluate.guard import Answered, Check, Spoken, Weighed, guard

WORDS = [f"w{k}" for k in range(400)]


def text(chance, words=30):
    return " ".join(chance.choices(WORDS, k=words))


def answered(n=40, seed=0, model=None, ended=True):
    """Both models say random words, unless `model` says what the trained one says."""
    chance = random.Random(seed)
    rows = []
    for _ in range(n):
        base = text(chance)
        said = model(chance, base) if model else text(chance)
        rows.append(Answered(Spoken(said, ended), Spoken(base, True)))
    return rows


def weighed(n=40, more=0.0, seed=1):
    chance = random.Random(seed)
    return [Weighed(-60 - 30 * (more + chance.gauss(0, 0.2)), -60, 30) for _ in range(n)]


def broken(found):
    return [check.name for check in found.checks if check.verdict == "does not hold"]


def test_a_model_like_its_base_holds():
    for seed in range(40):
        found = guard("m", "b", answered(seed=seed), weighed(seed=seed))
        assert found.holds, found.reasons


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (answered(model=lambda c, b: "I will not say that. " * 6), "circles"),
        (answered(ended=False), "answers that end"),
        (answered(model=lambda c, b: " ".join(WORDS[:30])), "different 2-grams"),
    ],
)
def test_each_way_of_breaking_is_found(rows, names):
    found = guard("m", "b", rows)
    assert not found.holds
    assert names in " ".join(broken(found))
    assert all("is allowed: does not hold" in reason for reason in found.reasons)


def test_helpful_answers_that_became_unlikely_are_found_and_slightly_less_likely_ones_are_not():
    assert broken(guard("m", "b", answered(), weighed(more=0.6))) == [
        "loss a token on helpful answers"
    ]
    assert broken(guard("m", "b", answered(), weighed(more=0.1))) == []


def test_loss_is_told_for_both_with_its_n():
    row = guard("m", "b", answered(), weighed(more=0.5)).to_row()["checks"][-1]
    assert (row["base"], row["change"]["n"], row["how"]) == (2.0, 40, "change")
    assert row["model"] == pytest.approx(2.5, abs=0.1)
    assert row["change"]["low"] < row["change"]["value"] < row["change"]["high"]


def test_shorter_answers_are_not_called_less_different():
    """Half the words: cut to the same length, they are as different."""
    found = guard("m", "b", answered(model=lambda c, b: " ".join(b.split()[:15])))
    ratios = [check for check in found.checks if check.how == "ratio"]
    assert [check.change.value for check in ratios] == [1.0, 1.0, 1.0]


def test_what_was_not_asked_is_not_measured_and_breaks_nothing():
    found = guard("m", "b", answered())
    assert found.checks[-1].verdict == "not measured"
    assert found.checks[-1].sentence == "loss a token on helpful answers: not measured"
    row = found.checks[-1].to_row()
    assert (row["model"], row["change"]["value"]) == (None, None)
    assert found.holds
    nothing = guard("m", "b", [])
    assert {check.verdict for check in nothing.checks} == {"not measured"}


def test_a_few_bad_answers_are_too_few_to_tell():
    one = guard("m", "b", answered(n=1, ended=False))
    assert one.holds
    assert math.isnan(one.checks[1].change.low)


def test_a_check_says_its_numbers_and_its_bound():
    found = guard("m", "b", answered(ended=False))
    check: Check = found.checks[1]
    assert check.sentence.startswith(
        "answers that end: 0.00, the base 1.00; change -1.00 (-1.00 to"
    )
    assert "n = 40), no less than -0.2 is allowed: does not hold" in check.sentence
