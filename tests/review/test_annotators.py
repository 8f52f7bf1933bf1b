"""Who agrees with whom, for a file."""

import json
import math
from dataclasses import replace

import pytest
from sklearn.metrics import cohen_kappa_score

from cai_core.review.alpha import alpha_of
from cai_core.review.annotators import kappa, table
from cai_core.schema import Label
from tests.store.rows import judgement, pair, review

SAID = ["a", "b", "tie", "a", "b", "a", "tie", "b", "a", "a", "skip"]
OTHER = ["a", "b", "a", "b", "b", "a", "tie", "b", "tie", "a", "a"]


def labels(*, blind=True):
    for n, (one, other) in enumerate(zip(SAID, OTHER, strict=True)):
        of = pair(f"{n}?")
        for name, verdict in (("Ada", one), ("Bo", other)):
            said = review(name, blind=blind)
            yield Label(of, verdict, None, "person", name, review=said)


def couples(found, name):
    return {(one["one"], one["other"]): one for one in json.loads(found)[name]}


def test_two_people_get_their_share_and_kappa_with_intervals_and_n():
    one = couples(table(labels()), "first_blind")["person: Ada", "person: Bo"]
    assert one["agreement"]["estimate"] == pytest.approx((7 + 2 * 0.5) / 10)
    assert one["kappa"]["estimate"] == pytest.approx(cohen_kappa_score(SAID[:-1], OTHER[:-1]))
    assert one["kappa"]["n"] == one["agreement"]["n"] == 10
    assert one["kappa"]["low"] < one["kappa"]["estimate"] < one["kappa"]["high"]


def test_only_first_blind_verdicts_measure_and_all_stand_beside_them():
    found = table(labels(blind=False))
    assert couples(found, "first_blind") == {}
    assert len(couples(found, "all")) == 1


def test_a_judge_is_named_with_its_setting():
    of = pair()
    made = [Label(of, "a", 1.0, "person", "Ada", review=review()), judgement(of)]
    [names] = couples(table(made), "first_blind")
    assert names[0].startswith("judge: m (")
    assert "logprob/each/compare-1" in names[0]


def test_what_is_undefined_is_null():
    made = [Label(pair(), "a", 1.0, "person", name) for name in ("Ada", "Bo")]
    [one] = couples(table(made), "all").values()
    assert one["kappa"] == {"estimate": None, "low": None, "high": None, "n": 1}


def test_the_alpha_of_first_blind_verdicts_stands_beside_the_kappas():
    said = {"Ada": "aabb", "Bo": "aabb", "Cy": "aaba"}
    pairs = [pair(f"q{n}") for n in range(4)]
    made = [
        Label(of, said[name][n], None, "person", name, review=review(name))
        for n, of in enumerate(pairs)
        for name in said
    ]
    row = json.loads(table(made))["alpha"]
    assert row["nominal"]["estimate"] == pytest.approx(alpha_of(made).value)
    assert row["ordinal"]["n"] == 4
    sighted = [replace(one, review=replace(one.review, blind=False)) for one in made]
    assert json.loads(table(sighted))["alpha"]["nominal"]["n"] == 0


def test_the_interval_of_kappa_narrows_with_n():
    few, many = (kappa({("a", "a"): 4 * n, ("b", "b"): 3 * n, ("a", "b"): n}) for n in (3, 300))
    assert few.value == pytest.approx(many.value)
    assert 0 < many.high - many.low < (few.high - few.low) / 5
    assert math.isnan(kappa({("b", "b"): 4}).value)
