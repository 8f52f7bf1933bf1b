"""Rows that the store's tests share."""

from typing import Any

from cai_core.schema import (
    Chat,
    Constitution,
    ConstitutionRef,
    Label,
    Orders,
    Pair,
    Principle,
    Review,
    Revision,
    Round,
    user,
)

SHORT = Constitution("short", (Principle("kind", "Be kind."), Principle("true", "Be true.")))
REF = ConstitutionRef.of(SHORT, 1)
TEA: Chat = (user("How do I make tea?"),)
PAIR = Pair.of(TEA, "Boil water.", "No.")


def pair(question: str = "How?", a: str = "Like this.", b: str = "No.") -> Pair:
    return Pair.of((user(question),), a, b)


def judgement(of: Pair = PAIR, **more: Any) -> Label:
    given: dict[str, Any] = {
        "verdict": "a",
        "p_a": 0.8,
        "p_raw": 0.9,
        "annotator": "m",
        "orders": Orders(ab=0.9, ba=0.6),
        "offset": 0.9,
        "flipped": False,
        "inconsistent": False,
        "mass": 0.97,
        "votes": {"kind": 0.75, "true": 0.25},
        "method": "logprob",
        "principles": "each",
        "template": "compare-1",
        "constitution": REF,
        "seed": 3,
    }
    return Label(of, **given | more)


def review(person: str = "Ada", **more: Any) -> Review:
    given: dict[str, Any] = {"blind": True, "queue": "all", "pi": 0.5, "reviewer": person}
    return Review(**given | more)


def revision(question: str = "How?", final: str = "Kindly so.", **more: Any) -> Revision:
    given: dict[str, Any] = {"model": "m", "constitution": REF, "seed": 1}
    rounds = (Round("kind", "It is rude.", final),)
    return Revision(question, (user(question),), "So.", rounds, **given | more)
