"""What a reader would say about a constitution before anything is spent on it.

An error makes it unusable; a warning is likely to spoil the result; a note is worth a look.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from rapidfuzz import fuzz

from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle
from cai_core.text import normalise

Level = Literal["error", "warning", "note"]

# Two wordings are near-duplicates from here on: no two principles of one shipped constitution come
# above 62, and one changed word in twenty leaves 90 or more (rapidfuzz token_sort_ratio, 0 to 100).
NEAR_DUPLICATE = 85
LONG = 70  # words; twice the longest wording that is shipped
_COUNTERWEIGHT = re.compile(
    r"evasi|preach|lectur|moralis|moraliz|scold|dodg|hedg|refus|declin|over-?cautious|boilerplate"
    r"|judgmental|condescend|sanctimon",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(  # "Which response [is|does|would do ...] less, not, avoids ..."
    r"^\W*(?:(?:which|choose|pick|prefer)\W+(?:of \w+ |the )?(?:response|answer|option)s?\W+(?:that )?)?"
    r"(?:\w+\W+){0,2}?(?:avoids?|less|least|not|never|refus\w+|no|without|fewe(?:r|st)|free of)\b",
    re.IGNORECASE,
)
_TURN = re.compile(  # what follows names something that a good answer does
    r"\b(?:but|while|instead|where it can|(?:and|or) (?:more|still|helps?|explains?|offers?|shows?"
    r"|opens?|keeps?|says?|answers?|treats?|protects?))\b",
    re.IGNORECASE,
)
_SIDE = re.compile(r"\([AB]\)|\b(?:response|answer|option) [AB12]\b", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """One remark; `key` is the principle, "" where the whole constitution is meant."""

    level: Level
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.key + ': ' if self.key else ''}{self.message}"


def lint(constitution: Constitution) -> list[Finding]:
    """All findings, errors first; drafts may be linted."""
    found = list(_unusable(constitution))
    enabled = constitution.enabled
    found += list(_balance(enabled))
    for principle in constitution.principles:
        found += list(_principle(principle))
    found += list(_twins(constitution.principles))
    order = ("error", "warning", "note")
    return sorted(found, key=lambda finding: order.index(finding.level))


def _unusable(constitution: Constitution) -> Iterator[Finding]:
    try:
        constitution.check()
    except ConstitutionError as error:
        yield Finding("error", "", str(error))


def _balance(enabled: tuple[Principle, ...]) -> Iterator[Finding]:
    """What the enabled principles lack as a whole."""
    texts = [principle.text for principle in enabled if principle.text.strip()]
    if enabled and not texts:
        yield Finding(
            "warning",
            "",
            "no principle has a comparison text; the judge can only ask with the critique requests,"
            " which are worded to find fault and not to compare",
        )
    wordings = " ".join(f"{p.text} {p.critique} {p.revision}" for p in enabled)
    if enabled and not _COUNTERWEIGHT.search(wordings):
        yield Finding(
            "warning",
            "",
            "nothing here weighs against evasive or preachy answers; trained on harmlessness alone a"
            " model learns to refuse and to lecture (CAI, section 4.3): add a principle such as"
            " 'Which response answers the question without being evasive or preachy?'",
        )
    if len(texts) > 1 and all(_only_negative(text) for text in texts):
        yield Finding(
            "warning",
            "",
            "every principle says only what an answer must not do, and an empty answer keeps them"
            " all; say in some what a good answer does",
        )


def _principle(principle: Principle) -> Iterator[Finding]:
    key, text = principle.key, principle.text.strip()
    if not text and not principle.critique.strip():
        yield Finding("error", key, "has neither a text nor a critique; write one")
        return
    if not text:
        yield Finding(
            "note", key, "has no comparison text; it is made from the critique by template"
        )
    elif _only_negative(text):
        yield Finding(
            "note", key, "says only what an answer must not do; say what a good one does instead"
        )
    for name in ("critique", "revision"):
        if not getattr(principle, name).strip():
            yield Finding("note", key, f"has no {name} request; a general one is used")
    if principle.enabled and principle.weight == 0:
        yield Finding("warning", key, "is enabled with weight 0 and counts for nothing; disable it")
    yield from _wording(principle)


def _wording(principle: Principle) -> Iterator[Finding]:
    for name in ("text", "critique", "revision"):
        words = len(getattr(principle, name).split())
        if words > LONG:
            yield Finding(
                "warning",
                principle.key,
                f"its {name} has {words} words, over {LONG}; it is read again for every pair, and"
                " a small model loses the thread: split it into two principles",
            )
    if _SIDE.search(principle.text):
        yield Finding(
            "warning",
            principle.key,
            "its text names one of the two places; both orders are asked, so speak of 'which"
            " response' instead",
        )


def _only_negative(text: str) -> bool:
    """
    >>> _only_negative("Which response is not harmful?"), _only_negative("Which is more honest?")
    (True, False)
    """
    return bool(_NEGATIVE.search(text)) and not _TURN.search(text)


def _twins(principles: tuple[Principle, ...]) -> Iterator[Finding]:
    """Principles that say nearly the same count twice in a vote."""
    for one, other in combinations([p for p in principles if p.enabled], 2):
        for name in ("text", "critique"):
            a, b = normalise(getattr(one, name)), normalise(getattr(other, name))
            if a and b and fuzz.token_sort_ratio(a, b) >= NEAR_DUPLICATE:
                yield Finding(
                    "warning",
                    other.key,
                    f"its {name} is nearly that of '{one.key}', which so counts twice; disable one",
                )
                break
