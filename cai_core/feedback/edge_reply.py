"""A model's reply read as one prompt by rule, or refused with a reason that can be counted.

What a reply says is data: nothing in it is followed, and what is not a plain short message that asks
for something is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from cai_core.text import is_refusal, normalise, repetition

EMPTY = "empty"
REFUSAL = "a refusal"
SHORT = "too short"
LONG = "too long"
SILENT = "asks for nothing"
LOOP = "repeats itself"
ECHO = "repeats the request"
COPY = "repeats an example"
NEAR = "a near-duplicate"
FAILED = "the model failed"

# The shipped prompts have 4 to 80 words; of a begun message the model must add two of its own.
LEAST_WORDS = 4
LEAST_ADDED = 2
MOST_WORDS = 80
ALIKE = 75  # of 100, rapidfuzz: the shipped prompts stay below it towards each other's sources
SAME_SENTENCE = 90
RUN = 6  # words in a row that also stand in a prompt that was shown make a copy
LOOPING = 0.3  # share of repeated word 4-grams; none of the shipped prompts has over 0.1

_LEAD_IN = re.compile(
    r"^\W*(?:(?:sure|certainly|of course|absolutely|okay|ok)\b[\s,.!:-]*)?"
    r"(?:(?:here(?:'|’)?s?(?: is| are)?|this is|below (?:is|are))\b[^\n:?]{0,60}"
    r"\b(?:messages?|prompts?|questions?|requests?|examples?|one|another|it)\b[^\n:?]{0,60}:"
    r"|(?:(?:the|a|my|another|next|new|user)\s+)*"
    r"(?:message|prompt|question|request|example|user|human|answer|response)s?\b[^\n:?]{0,40}:)"
    r"(?:\*\*|__)?\s*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*•>]+|\(?\d{1,2}[.):]\)?)\s+")
_SENTENCE = re.compile(r"[^.!?…]+(?:[.!?…]+[\"'”’)]*|$)")
_ENDED = re.compile(r"[.!?…][\"'”’)]*$")
_ASKS = re.compile(
    r"\?|(?:^|[.!,;:…]\s+|\band )(?:how|what|whats|why|which|who|where|when|write|rewrite|word|draft|make"
    r"|build|produce|create|give|get|tell|show|explain|describe|list|name|find|suggest|prove|teach"
    r"|translate|compare|plan|help|ask for|say|play|just|best|polish|sum|centre|solve)\b"
    r"|\b(?:please|i need|i want|(?:i|we)(?:'|’)d like|how to|any ideas?|(?:can|could|should|would|do|am|may)"
    r" (?:i|we|you))\b",
    re.IGNORECASE,
)
_ABOUT_ITSELF = re.compile(
    r"\b(?:this|these|that|the above) (?:rules?|sentences?|messages?|texts?|questions?|requests?)\b"
    r"(?!.*[:\"“])",
    re.IGNORECASE,
)
_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "„": "“"}


@dataclass(frozen=True)
class Shown:
    """What the model had before it: the request, its opening, and the prompts that were shown."""

    request: str
    opening: str
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """A prompt, or why the reply is none."""

    text: str = ""
    refused: str = ""


def read_reply(reply: str, shown: Shown, *, finished: bool = True) -> Reading:
    """The first message in a reply.

    Args:
        finished: False where it was cut at the most tokens; a half sentence at its end is dropped.
    """
    text = _first_message(_joined(shown.opening, reply))
    begun = bool(shown.opening) and text.startswith(shown.opening)
    if not normalise(text.removeprefix(shown.opening) if begun else text):
        return Reading(refused=EMPTY)
    if is_refusal(text) or is_refusal(reply):
        return Reading(refused=REFUSAL)
    if begun and "?" in text:  # every opening is a question's, and one question was asked for
        text = text[: text.index("?") + 1]
    text = _said_once(text, finished=finished)
    reason = _fault(text, shown, begun=begun)
    return Reading(refused=reason) if reason else Reading(text)


def _joined(opening: str, reply: str) -> str:
    """The opening gone on with; a reply that begins anew stands alone."""
    if not opening or normalise(reply).startswith(normalise(opening)):
        return reply
    goes_on = re.match(r" |[a-z]|[,.;:?!'’](?!\w*\s*\n)", reply)
    if not goes_on:
        return reply
    return opening + reply if not reply[0].isalnum() else f"{opening} {reply}"


def _first_message(text: str) -> str:
    """The first paragraph or item of a list that says something, bare of what stands around it."""
    for line in text.strip().splitlines():
        bare = _bare(line)
        if normalise(bare) and not _is_lead_in(bare):
            return bare
    return ""


def _bare(line: str) -> str:
    """A line without bullet, lead-in, emphasis and quotes around it."""
    before = None
    while line != before:
        before = line
        line = _LEAD_IN.sub("", _BULLET.sub("", line), count=1).strip().strip("*_`").strip()
        closing = _QUOTES.get(line[:1])
        if closing and len(line) > 1 and line.endswith(closing):
            line = line[1:-1].strip()
        elif closing and line[0] != "'" and closing not in line[1:]:
            line = line[1:].strip()  # opened, and cut before it closed
    return line


def _is_lead_in(line: str) -> bool:
    """ "Sure, here are three:" and the like, with nothing behind it."""
    return line.endswith(":") or normalise(line) in ("sure", "certainly", "of course", "okay", "ok")


def _said_once(text: str, *, finished: bool) -> str:
    """Up to the first sentence that says a former one again, without an unfinished one at the end."""
    kept: list[str] = []
    for sentence in (found.strip() for found in _SENTENCE.findall(text)):
        again = any(_alike(sentence, other) >= SAME_SENTENCE for other in kept)
        if again or (not finished and not _ENDED.search(sentence)):
            break
        kept.append(sentence)
    return " ".join(kept)


def _fault(text: str, shown: Shown, *, begun: bool) -> str:
    """Why a text is no prompt; "" where it may be one."""
    words = len(text.split())
    added = words - len(shown.opening.split()) if begun else words
    if words > MOST_WORDS or not text:
        return LONG
    if words < LEAST_WORDS or added < LEAST_ADDED:
        return SHORT
    if repetition(text) > LOOPING or repetition(text, n=1) > 2 * LOOPING:
        return LOOP
    if any(_alike(text, other) >= ALIKE or _runs(text) & _runs(other) for other in shown.prompts):
        return COPY
    if _echoes(text, shown) or _ABOUT_ITSELF.search(text):
        return ECHO
    asks = "?" in text if begun else _ASKS.search(text)
    return "" if asks else SILENT


def _alike(one: str, other: str) -> float:
    return fuzz.ratio(normalise(one), normalise(other))


def _runs(text: str) -> set[str]:
    """Every RUN words in a row."""
    said = normalise(text).split()
    return {" ".join(said[start : start + RUN]) for start in range(len(said) - RUN + 1)}


def _echoes(text: str, shown: Shown) -> bool:
    """Whether what the model added stands nearly so in the request."""
    added, request = normalise(text.removeprefix(shown.opening)), normalise(shown.request)
    if len(added.split()) < LEAST_WORDS or len(added) > len(request):
        return False  # a few short words stand nearly so in any long text
    return fuzz.partial_ratio(added, request) >= ALIKE


def counted(reasons: Sequence[str]) -> dict[str, int]:
    """How often each reason was given, most frequent first.

    >>> counted(["empty", "too long", "too long"])
    {'too long': 2, 'empty': 1}
    """
    names = sorted(set(reasons), key=lambda name: (-reasons.count(name), name))
    return {name: reasons.count(name) for name in names}
