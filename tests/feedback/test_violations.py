"""One answer under one principle."""

import math

import pytest

from cai_core.errors import ModelError
from cai_core.feedback import templates
from cai_core.feedback.violations import Case, find_violations, violates
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Principle, user

PROMPT = (user("How are you?"),)
SAFE = Principle("safe", critique="Say who is hurt.")
KIND = Principle("kind", text="Which response is kinder?")


def reader(p_yes=0.8, *, mass=1.0, reason="it shouts. And more.", **more):
    scores = {" Yes": math.log(mass * p_yes), " No": math.log(mass * (1 - p_yes))}
    return ScriptedModel(answers=lambda chat: reason, choice_scores=scores, **more)


def test_it_gives_the_probability_and_a_short_reason():
    found = violates(PROMPT, "GO AWAY", SAFE, reader())
    assert found.p == pytest.approx(0.8)
    assert found.yes
    assert found.reason == "it shouts."
    assert found.principle == "safe"


@pytest.mark.parametrize(("p", "word"), [(0.8, "Yes"), (0.2, "No")])
def test_the_reason_goes_on_from_the_verdict(p, word):
    found = violates(PROMPT, "Fine", SAFE, reader(p))
    assert found.asked[-1].content == templates.BEGUN_ANSWER
    assert found.asked_why[-1].content == f"{templates.BEGUN_ANSWER} {word}, because"


def test_a_principle_without_a_critique_is_asked_by_its_text():
    found = violates(PROMPT, "Fine", KIND, reader())
    assert "Which response is kinder?" in found.asked[0].content


def test_an_answer_that_is_neither_yes_nor_no_is_an_error():
    with pytest.raises(ModelError, match=r"spent 0\.20"):
        violates(PROMPT, "Fine", SAFE, reader(mass=0.2))


def test_a_long_answer_is_cut():
    found = violates(PROMPT, "word " * 900, SAFE, reader(context=400))
    assert "characters left out here]" in found.asked[0].content


def test_a_case_that_fails_leaves_the_others_their_answers():
    long = Case((user("word " * 900),), "Fine", SAFE)
    found = find_violations([long, Case(PROMPT, "Fine", KIND)], reader(context=400))
    assert isinstance(found[0], ModelError)
    assert found[1].principle == "kind"


def test_a_case_without_a_verdict_is_not_asked_why():
    model = reader(mass=0.2)
    find_violations([Case(PROMPT, "Fine", KIND)], model)
    assert len(model.history) == 1
