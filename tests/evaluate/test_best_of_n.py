"""Best of n: order, gain, and what the score goes with."""

import numpy as np
import pytest

from cai_core.errors import DataError, ModelError
from cai_core.evaluate.best_of_n import best_of_n
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Completion, Prompt, Sampling, user


class Counting:
    """Its k-th draw of a chat is k words long, told apart by the seed."""

    def generate(self, chats, params, *, hooks=None):
        words = params.seed + 1
        return [Completion(" ".join(["word"] * words), words, True) for _ in chats]


def by_length(chats):
    return [float(len(chat[-1].content.split())) for chat in chats]


def prompts(n=3):
    return [Prompt(f"p{i}", (user(f"question {i}"),)) for i in range(n)]


def test_answers_stand_best_first_and_the_gain_is_over_the_prompts_mean():
    preview = best_of_n(prompts(), Counting(), by_length, n=4, sampling=Sampling())
    assert [a.score for a in preview.choices[0].answers] == [4, 3, 2, 1]
    assert preview.gain == pytest.approx(1.5)


def test_a_score_that_counts_words_is_shown_to_go_with_length():
    row = best_of_n(prompts(), Counting(), by_length, n=4, sampling=Sampling()).to_row()
    assert row["correlation_with_length"] == pytest.approx(1.0)
    assert row["correlation_with_refusal"] is None


def test_one_answer_is_no_choice():
    with pytest.raises(DataError, match="at least two answers"):
        best_of_n(prompts(), Counting(), by_length, n=1, sampling=Sampling())
    with pytest.raises(DataError, match="at least one prompt"):
        best_of_n([], Counting(), by_length, n=2, sampling=Sampling())


def test_scores_belong_to_their_own_answers():
    rng = np.random.default_rng(0)
    table = {}

    def score(chats):
        return [table.setdefault(chat[-1].content, float(rng.normal())) for chat in chats]

    preview = best_of_n(prompts(), Counting(), score, n=3, sampling=Sampling())
    for choice in preview.choices:
        assert all(table[a.text] == a.score for a in choice.answers)


def test_a_prompt_that_cannot_be_answered_is_left_out_and_counted():
    asked = [*prompts(2), Prompt("long", (user("word " * 50),))]
    model = ScriptedModel(lambda chat: "yes", context=20)
    row = best_of_n(asked, model, by_length, n=2, sampling=Sampling()).to_row()
    assert [found["id"] for found in row["rows"]] == ["p0", "p1"]
    assert (row["prompts"], row["failed"]) == (2, 1)
    with pytest.raises(ModelError, match="window"):
        best_of_n(asked[2:], model, by_length, n=2, sampling=Sampling())
