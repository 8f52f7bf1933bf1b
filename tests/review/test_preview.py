import math

import numpy as np
import pytest

from cai_core.review.head import Fit, Head
from cai_core.review.preview import follows, preview
from cai_core.schema import Pair, user
from cai_core.stats import NOTHING

REFUSAL = "I'm sorry, but I can't help with that."


def head(*direction: float) -> Head:
    d = np.array(direction)
    return Head(Fit(d, np.ones(len(d)), np.array([]), NOTHING), "m", "print", 1, "hash")


def test_the_best_and_the_worst_answers_stand_first_each_once():
    pairs = [Pair.of((user("q"),), "good", f"bad {k}") for k in range(4)]
    a = np.full((4, 1), 2.0, dtype=np.float32)
    b = -np.arange(4, dtype=np.float32)[:, None]
    found = preview(head(1.0), pairs, a, b, prompts=np.zeros(4, dtype=np.int64), most=2)
    assert [(one.text, one.score) for one in found.best] == [("good", 2.0), ("bad 0", 0.0)]
    assert [(one.text, one.side) for one in found.worst] == [("bad 3", "b"), ("bad 2", "b")]


def made(n: int, *, length: float, refusal: float, noise: float = 0.3):
    rng = np.random.default_rng(1)
    pairs, scores = [], []
    for k in range(n):
        a, b = ("word " * int(w) for w in rng.integers(5, 80, 2))
        refuses = rng.random() < 0.3
        a = REFUSAL + a if refuses else a
        pairs.append(Pair.of((user(f"q{k // 2}"),), a, b))
        ratio = math.log2((len(a) + 1) / (len(b) + 1))
        scores.append(length * ratio + refusal * refuses + noise * rng.normal())
    return pairs, np.array(scores), np.arange(n) // 2


def test_what_the_score_follows_is_found_with_an_interval_that_holds_it():
    pairs, scores, prompts = made(200, length=-0.4, refusal=1.0)
    length, refusal = follows(pairs, scores, prompts)
    assert length.low < -0.4 < length.high < 0
    assert refusal.low < 1.0 < refusal.high
    assert refusal.low > 0.5
    assert length.n == 200


def test_a_slope_that_cannot_be_told_is_nan():
    pairs = [Pair.of((user(f"q{k}"),), "one two", f"three {k}") for k in range(8)]
    length, refusal = follows(pairs, np.ones(8), np.arange(8))
    assert math.isnan(refusal.value)
    assert math.isnan(length.low)


def test_no_pairs_give_no_answers():
    none = np.zeros((0, 1), dtype=np.float32)
    found = preview(head(1.0), [], none, none, prompts=np.zeros(0, dtype=np.int64))
    assert found.best == ()
    assert found.length.n == 0


@pytest.mark.parametrize("side", ["a", "b"])
def test_the_difference_of_two_scores_is_the_log_odds(side):
    one = head(0.5, -0.25)
    a, b = np.array([[1.0, 2.0]], dtype=np.float32), np.array([[0.0, 4.0]], dtype=np.float32)
    pair = Pair.of((user("q"),), "x", "y")
    p, _ = one.p_a([pair], a - b if side == "a" else b - a)
    difference = (one.scores(a) - one.scores(b))[0] * (1 if side == "a" else -1)
    assert math.log(p[0] / (1 - p[0])) == pytest.approx(difference)
