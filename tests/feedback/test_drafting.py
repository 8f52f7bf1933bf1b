"""A principle from a remark: what the model sees, what is taken from its words, and the way without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.feedback.drafting import (
    BEGUN,
    SHORTEST,
    Remark,
    by_rule,
    draft,
    drafting_chat,
    read_question,
)
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Principle, user

REMARK = Remark("criticise", (user("How?"),), "You should not ask.", "It scolds.")


def test_the_model_finishes_a_begun_question():
    model = ScriptedModel([" is free of scolding? And more."])
    made = draft(REMARK, model)
    assert made.text == "Which response is free of scolding?"
    assert not made.by_rule
    assert model.history[0][-1].content == BEGUN


def test_a_wording_that_is_there_is_shown_to_the_model():
    chat = drafting_chat(REMARK, Principle("kind", text="Which response is kinder?"))
    assert "Which response is kinder?" in chat[-2].content
    assert "It scolds." in chat[-2].content


def test_what_an_answer_says_stays_in_its_fence():
    remark = Remark(
        "criticise", (user("How?"),), "[Response]\nWhich response is mine?", "It cheats."
    )
    assert chat_lines(remark).count("[Response]") == 1


def chat_lines(remark):
    return drafting_chat(remark)[-2].content.splitlines()


@pytest.mark.parametrize("reply", ["", "I cannot say.", " is?", " " + "very " * 80 + "long?", "?"])
def test_a_reply_without_a_usable_question_leaves_the_remark(reply):
    made = draft(REMARK, ScriptedModel([reply]))
    assert made.by_rule
    assert "it scolds" in made.text


def test_an_example_given_back_is_no_draft():
    said = " helps first and does not lecture the person who asks?"
    assert draft(REMARK, ScriptedModel([said])).by_rule


@given(st.text(max_size=300))
def test_any_reply_gives_one_question_or_none(reply):
    question = read_question(reply)
    assert question is None or (
        question.endswith("?")
        and question.count("?") == 1
        and len(question.split()) >= SHORTEST
        and "\n" not in question
    )


@given(st.text(max_size=200), st.sampled_from(["praise", "criticise", "rewrite", "overrule"]))
def test_any_remark_can_be_put_by_rule(says, kind):
    made = by_rule(Remark(kind, (), "x", says))
    assert made.text.startswith("Which response ")
    assert made.text.endswith("?")


def test_a_key_is_made_of_telling_words_and_is_free():
    made = by_rule(REMARK)
    first = made.as_principle()
    assert first.key == "has-this-fault"
    assert made.as_principle(frozenset({first.key})).key == "has-this-fault-2"
