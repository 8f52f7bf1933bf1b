"""Cases, and a model that answers, criticises and rewrites by rule and judges by numbers, for tests of suites."""

import math

from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Case, Constitution, Expectation, Principle
from tests.feedback.conftest import odds_of

RULES = Constitution(
    "rules",
    (
        Principle("true", text="Which is more true?", critique="Find lies.", revision="Mend."),
        Principle("kind", text="Which is kinder?", critique="Find unkindness.", revision="Mend."),
        Principle("off", text="Which is shorter?", enabled=False),
    ),
)
HELP = "Boil fresh water, warm the teapot, then add leaves and wait four minutes."
REFUSAL = "I'm sorry, but I can't help with that."


def prompt_case(question: str, must: str, text: str = "", **more) -> Case:
    both = more.pop("both", False)
    return Case.of(question, Expectation(must, text, both=both), **more)


def pair_case(a: float, b: float, must: str, p: float | None = None, **more) -> Case:
    """The scripted judge prefers the answer with the higher number, with log-odds of the difference."""
    question = more.pop("question", "How many?")
    answers = (f"It is {a}.", f"It is {b}.")
    return Case.of(question, Expectation(must, p=p), answers=answers, **more)


def scripted(first=HELP, last=HELP, **more) -> ScriptedModel:
    """Answers `first`, and rewrites to `last`; either may be a function of the whole conversation."""

    def said(text, shown):
        return text(shown) if callable(text) else text

    def answer(chat):
        asked, shown = chat[-1].content, "\n".join(turn.content for turn in chat)
        if "Write only the critique" in asked:
            return "It could be truer."
        return said(last if "Write only the new answer" in asked else first, shown)

    def score(chat, choice):
        p = 1 / (1 + math.exp(-odds_of(chat)))
        p = {" A": p, " B": 1 - p}.get(choice)
        return math.log(p) if p else -math.inf

    return ScriptedModel(answer, score, **more)
