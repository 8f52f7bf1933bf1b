"""A scripted judge: it prefers the answer with the higher number in it, and has a position bias."""

import math
import re

import pytest

from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Constitution, Pair, Principle, user

SHOWN = re.compile(  # in any template
    r"^[^\w/]+(?:response|assistant|option)[\W_]+([ab])\W*\n.*?(-?\d+(?:\.\d+)?)",
    re.S | re.M | re.I,
)


def odds_of(chat):
    """The worth of what is shown first less that of the other, read from the answers' numbers."""
    worth = {side.upper(): float(number) for side, number in SHOWN.findall(chat[-2].content)}
    return worth["A"] - worth["B"]


def scripted_judge(*, bias=0.0, mass=1.0, wordings=None, **more):
    """P(first) has log-odds (difference of the answers) x (the principle's sign) + bias."""

    def score(chat, choice):
        sign = next((s for text, s in (wordings or {}).items() if text in chat[-2].content), 1.0)
        p = 1 / (1 + math.exp(-(sign * odds_of(chat) + bias)))
        p = {" A": p, " B": 1 - p}.get(choice)
        return math.log(mass * p) if p else -math.inf

    return ScriptedModel(choice_scores=score, **more)


@pytest.fixture
def rules():
    return Constitution(
        "rules",
        (
            Principle("true", text="Which is more true?", critique="Find lies.", revision="Mend."),
            Principle("kind", text="Which is kinder?"),
            Principle("safe", critique="Say who is hurt."),
        ),
    )


def pair(a, b, *, question="How many?", **more):
    return Pair.of((user(question),), f"It is {a}.", f"It is {b}.", **more)
