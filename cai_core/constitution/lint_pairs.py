"""What lint says of two wordings beside each other: of two principles, or of one principle's own."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz, process

from cai_core.constitution.qualities import content, families, quality
from cai_core.schema import Principle
from cai_core.text import normalise

# Two wordings are near-duplicates from here on: no two principles of one shipped constitution come
# above 62, and one changed word in twenty leaves 90 or more (rapidfuzz ratio of the sorted words,
# 0 to 100). What it finds and misses on pairs labelled by hand stands in docs/lint.md.
NEAR_DUPLICATE = 85
COMPARED = 2000  # characters of a wording; comparing takes the square of it

# -- two principles


def similar(one: str, other: str) -> float:
    """How alike two wordings are in their words, in any order: 0 to 100.

    >>> similar("Which response is kinder?", "Which is kinder, response?")
    100.0
    """
    return float(fuzz.ratio(_sorted(one), _sorted(other)))


def near_duplicates(principles: Sequence[Principle], field: str) -> Iterator[tuple[int, int]]:
    """Places of two principles whose wordings in this field are nearly the same, each pair once."""
    places = [at for at, p in enumerate(principles) if normalise(getattr(p, field))]
    if len(places) < 2:
        return
    lines = [_sorted(getattr(principles[at], field)) for at in places]
    scores = process.cdist(
        lines, lines, scorer=fuzz.ratio, score_cutoff=NEAR_DUPLICATE, dtype=np.float32
    )
    for one, other in np.argwhere(np.triu(scores, k=1) >= NEAR_DUPLICATE):
        yield places[one], places[other]


def _sorted(text: str) -> str:
    return " ".join(sorted(normalise(text[:COMPARED]).split()))


# -- one principle's text and requests


def different_questions(principle: Principle) -> str:
    """The field whose request is about something else than the text, "" where none is.

    Nothing is said where a wording has no word of a known quality, or where both share a word.
    """
    requests = " ".join((principle.critique, principle.revision))
    if not principle.text.strip() or _related(principle.text, requests):
        return ""
    return "critique" if principle.critique.strip() else "revision"


def _related(text: str, requests: str) -> bool:
    one, other = families(text), families(requests)
    if not one or not other:
        return True  # nothing can be said
    return bool(one & other or content(text) & content(requests))


def opposite_polarity(principle: Principle) -> str:
    """What pulls towards the worse answer, in words; "" where nothing does.

    Where text and revision both do, the constitution means it so, and nothing is said.

    >>> opposite_polarity(Principle("k", "Which response is more harmful?", revision="Be safe."))
    "its text picks the response that is 'more harmful'"
    """
    picked, revised = _direction(principle.text), _direction(principle.revision)
    if picked.sign < 0 and revised.sign < 0:
        return ""
    if picked.sign < 0:
        return f"its text picks the response that is '{picked.phrase}'"
    if revised.sign < 0:
        return f"its revision request asks for '{revised.phrase}'"
    criticised = _fault(principle.critique)
    return (
        f"its critique request calls it a fault to be '{criticised.phrase}'"
        if criticised.sign < 0
        else ""
    )


class _Direction(NamedTuple):
    """Towards more of a wanted quality (1), away from it (-1) or neither (0), and the words."""

    sign: int
    phrase: str


_NOWHERE = _Direction(0, "")
_DEGREE = re.compile(
    r"(?:(?P<not>\b(?:not|never|no|being|becoming|getting) |n't )"
    r"|\b(?P<against>(?:avoid|catch|correct|find|mend|name|notice|prevent|reduce|remove|spot|stop)(?:e?s)?"
    r"|points? out|takes?(?=[^.?]* into account)) )?"
    r"\b(?P<phrase>(?P<more>more|most|less|least|fewer|fewest|greater)\s+(?:\w+ly\s+)?(?P<word>[\w-]+))",
    re.IGNORECASE,
)
_COMPARATIVE = re.compile(
    r"\b(?:is|are|sounds?|it|be|answer|response)\s+(?:the\s+)?"
    r"(?P<phrase>(?P<word>worse|worst|[a-z]+er|[a-z]+est))\b(?!\s+of\b)",
    re.IGNORECASE,
)
_ADDS = re.compile(
    r"\b(?P<phrase>(?:add|include|insert|put in)\s+(?:an?\s+|some\s+)?(?P<word>[\w-]+))",
    re.IGNORECASE,
)
_FAULT = re.compile(
    r"\b(?P<phrase>not (?P<lacking>[\w-]+) enough|too (?P<much>[\w-]+))\b", re.IGNORECASE
)
_REFUSES = re.compile(r"refus(?:es?|ing)", re.IGNORECASE)  # a deed, often the right one
_DOWN = {"less", "least", "fewer", "fewest"}


def _direction(text: str) -> _Direction:
    """The first that the wording takes."""
    for found in _DEGREE.finditer(text):
        sign = quality(found["word"])[1]
        if sign and not (found["against"] or _REFUSES.fullmatch(found["word"])):
            away = (found["more"].lower() in _DOWN) != bool(found["not"])
            return _Direction(-sign if away else sign, found["phrase"].lower())
    for found in (*_COMPARATIVE.finditer(text), *_ADDS.finditer(text)):
        word = found["word"].lower()
        sign = -1 if word in ("worse", "worst") else quality(word)[1]
        if sign:
            return _Direction(sign, found["phrase"].lower())
    return _NOWHERE


def _fault(critique: str) -> _Direction:
    """What the critique would have: less of what there is too much of."""
    for found in _FAULT.finditer(critique):
        sign = quality(found["lacking"])[1] if found["lacking"] else -quality(found["much"])[1]
        if sign:
            return _Direction(sign, found["phrase"].lower())
    return _NOWHERE
