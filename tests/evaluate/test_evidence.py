"""What the votes say of each principle: counts, agreement, leans, and no nan in JSON."""

import json
import math

import numpy as np
import pytest

from cai_core.evaluate.evidence import evidence
from tests.evaluate.simulated import held, table


def stored(n=200, seed=0):
    """k0 says what people say, k1 is noise, k2 takes the longer answer; people do not mind length."""
    chance = np.random.default_rng(seed)
    likes = chance.normal(size=n)
    length = chance.normal(0, 1.5, size=n)
    differences = np.c_[length, np.zeros(n)]
    votes = np.c_[3 * likes, chance.normal(size=n), length + 0.3 * chance.normal(size=n)]
    return table(votes, likes, differences=differences)


def test_each_principle_is_counted_by_whether_it_voted():
    votes = np.array([[1.0, math.nan], [1.0, 2.0], [math.nan, math.nan]])
    found = table(votes)
    found.not_applicable[0, 1] = True
    of = {one.key: one for one in evidence(found, None).principles}
    assert (of["k1"].voted, of["k1"].not_applicable, of["k1"].no_vote) == (1, 1, 1)
    assert (of["k0"].voted, of["k0"].no_vote) == (2, 1)
    assert (of["k0"].applies.value, of["k0"].applies.n) == (pytest.approx(2 / 3), 3)


def test_a_principle_decides_where_the_verdict_turns_without_it():
    found = evidence(table([[1.0, -3.0], [2.0, 3.0], [1.0, math.nan]]), np.ones(2))
    assert [one.decides.value for one in found.principles] == [
        pytest.approx(1 / 3),
        pytest.approx(1 / 3),
    ]
    assert found.without["k0"].lost == 1


def test_what_cannot_be_computed_again_is_undefined_and_the_rest_is_there():
    found = evidence(stored(), None)
    assert math.isnan(found.principles[0].decides.value)
    assert found.without == {}
    assert found.principles[0].agreement.value == 1.0


def test_agreement_and_leans_tell_principles_apart():
    found = evidence(stored(), np.ones(3))
    good, noise, long = found.principles
    assert good.agreement.low > 0.9
    assert noise.agreement.low < 0.5 < noise.agreement.high
    assert long.length.differs
    assert long.length.slant.gap.low > 0
    assert not good.length.differs
    assert math.isnan(long.refusal.slant.votes.value)  # no answer refuses
    assert (found.pairs, found.reviewed, found.whole.agreement.n) == (200, 200, 200)


def test_leans_of_many_principles_are_seldom_chance():
    chance = np.random.default_rng(1)
    wrong = 0
    for _ in range(60):
        length = chance.normal(0, 1.5, size=100)
        votes, likes = chance.normal(size=(100, 16)), chance.normal(size=100)
        drawn = table(votes, likes, differences=np.c_[length, chance.choice([-1, 0, 0, 1], 100)])
        made = evidence(drawn, None)
        wrong += any(one.length.differs or one.refusal.differs for one in made.principles)
    assert wrong / 60 <= 0.1  # one family of 32, at most 5% false; 3.5% in 400 draws


@pytest.mark.parametrize(("prompts", "each"), [(100, 1), (40, 5)])
@pytest.mark.parametrize("which", ["agreement", "applies", "decides"])
def test_the_truth_lies_in_the_interval_where_pairs_share_prompts(which, prompts, each):
    """A prompt's pairs are alike: each prompt has its own chance of agreement, vote and turn."""

    def draw(chance):
        groups = np.repeat(np.arange(prompts), each)
        own = chance.beta(3, 2, size=prompts)[groups]  # mean 0.6
        yes = chance.random(len(groups)) < own
        first = np.ones(len(groups))
        if which == "applies":
            first = np.where(yes, 1.0, np.nan)
        votes = np.c_[first, np.full(len(groups), 0.5)]
        if which == "decides":
            votes[:, 1] = np.where(yes, -0.5, 0.5)
        found = table(votes, np.where(yes, 1.0, -1.0), prompts=groups)
        return getattr(evidence(found, np.ones(2)).principles[0], which)

    covered, width = held(draw, 0.6, times=300)
    assert 0.92 <= covered <= 0.985
    assert 0.85 <= width <= 1.2


def test_the_result_is_json_without_nan():
    found = evidence(stored(60), np.ones(3)).to_row()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text)["principles"][2]["refusal"]["votes"]["value"] is None


def test_no_pair_at_all_says_nothing_and_breaks_nothing():
    found = evidence(table(np.ones((0, 2))), np.ones(2))
    assert (found.pairs, found.reviewed) == (0, 0)
    assert math.isnan(found.principles[0].agreement.value)
    assert found.likeness.contradicting == []
