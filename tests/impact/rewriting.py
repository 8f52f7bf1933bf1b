"""A model that answers, criticises, rewrites and judges by plain rules, and rows made by hand."""

import math
import re

from cai_core.impact.rewrite import Rewrite
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Constitution, Principle, Round, user
from tests.feedback.conftest import SHOWN

KIND = Principle("kind", text="Which is kinder?", critique="Say what is rude.", revision="Be mild.")
TRUE = Principle("true", text="Which is truer?", critique="Say what is false.", revision="Mend.")
PLAIN = Principle("plain", text="Which is plainer?")
OLD = Constitution("rules", (KIND, TRUE, PLAIN))
LONG = "It is 3, and I would be glad to tell you more about it whenever you like."
NO = "I'm sorry, 9 times no: I can't help you with that question about numbers."


def reply(chat):
    """An answer, a critique, or a rewrite that does what the revision request says."""
    last = chat[-1].content
    if "Write only the critique" in last:
        return "It could be better."
    if "Write only the new answer" not in last:
        return f"It is 1. You asked: {chat[-1].content}"
    if "Decline." in last:
        return NO
    return LONG if "At length." in last else "It is 2, so there is nothing more to say of it."


def score(chat, choice):
    """The answer with the higher number in it is better; under "worse" the other one."""
    worth = {side.upper(): float(n) for side, n in SHOWN.findall(chat[-2].content)}
    sign = -1.0 if "worse" in chat[-2].content else 1.0
    p = 1 / (1 + math.exp(-sign * (worth["A"] - worth["B"])))
    return {" A": math.log(p), " B": math.log(1 - p)}.get(choice, -math.inf)


def model(**more):
    return ScriptedModel(answers=more.pop("answers", reply), choice_scores=score, **more)


def asked_to_rewrite(model):
    """The last turns of every chat that asked for a rewrite."""
    last = [chat[-1].content for chat in model.history]
    return [text for text in last if "Write only the new answer" in text]


def rewrite(old, new, *, initial="It is a first answer.", question="How many?", **more):
    id = re.sub(r"\W", "", question) + more.pop("id", "")
    rounds = (Round("kind", "Rude.", text) if text is not None else None for text in (old, new))
    return Rewrite(id, (user(question),), initial, *rounds, **more)
