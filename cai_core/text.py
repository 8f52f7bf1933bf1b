"""Measures of one text, and the difference of two: no model, no file."""

import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Indel

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_REFUSAL = re.compile(
    r"\b(i(?:'|’)?m (?:really |very |so )?sorry|i (?:can(?:'|’)?t|cannot|can not|won(?:'|’)?t"
    r"|will not|am unable|(?:'|’)m unable|am not able|(?:'|’)m not able|don(?:'|’)?t think i (?:can|should)"
    r"|must decline|have to decline)|i(?:'|’)m (?:unable|not able|not comfortable)|as an ai\b"
    r"|against my (?:guidelines|programming)|not (?:able|comfortable) to (?:help|assist|answer))",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"^\W*(?:sure|certainly|of course|absolutely|okay|ok)?\W*here(?:'|’)?s?(?: is| are)? (?:a|an|the|my|your)?"
    r" ?(?:revised|rewritten|updated|improved|new|modified)\b"
    r"|as an ai(?: language)? model|it is important to (?:note|remember)|i hope this helps",
    re.IGNORECASE,
)
_LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+", re.MULTILINE)
THINKING, THOUGHT = "<think>", "</think>"  # around what a reasoning model thinks before it answers


def normalise(text: str) -> str:
    """Case, spaces, punctuation and Unicode form taken out, for comparing prompts.

    >>> normalise("  How's   THAT?! ")
    'how s that'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[^\w]+", " ", folded).split())


def split_of(first_user_turn: str) -> Literal["train", "dev", "test"]:
    """The split of a prompt by a hash of its normalised first user turn: 80, 10, 10 of a hundred.

    >>> split_of("How do I make tea?") == split_of("how do i make TEA")
    True
    """
    digest = hashlib.sha256(normalise(first_user_turn).encode()).digest()
    place = int.from_bytes(digest[:4], "big") % 100
    return "train" if place < 80 else "dev" if place < 90 else "test"


def without_thinking(text: str) -> tuple[str, str]:
    """The answer, and what was thought before it: apart at <think> and </think>.

    A template may begin the thinking itself, so that only its end is there; thinking that never
    ends leaves no answer.

    >>> without_thinking("<think>Hm.</think>\\n\\nTea."), without_thinking("Tea.")
    (('Tea.', 'Hm.'), ('Tea.', ''))
    >>> without_thinking("Hm.</think>Tea."), without_thinking("<think>Hm")
    (('Tea.', 'Hm.'), ('', 'Hm'))
    """
    begun = text.lstrip().startswith(THINKING)
    thought, end, answer = text.partition(THOUGHT)
    if not end and not begun:
        return text, ""
    return answer.lstrip(), thought.lstrip().removeprefix(THINKING).strip()


def words(text: str) -> list[str]:
    """Words, single punctuation marks and runs of white space; joined they give the text back."""
    return _WORD.findall(text)


def is_refusal(text: str) -> bool:
    """Whether the first 200 characters decline, by wording alone.

    >>> is_refusal("I'm sorry, but I can't help with that."), is_refusal("Use a clean pan.")
    (True, False)
    """
    return bool(_REFUSAL.search(text[:200]))


def is_boilerplate(text: str) -> bool:
    """Whether stock phrases stand in it ("Sure, here is a revised response", "As an AI model").

    >>> is_boilerplate("Sure, here is a revised response: Wash it.")
    True
    """
    return bool(_BOILERPLATE.search(text))


def repetition(text: str, *, n: int = 4) -> float:
    """Share of word n-grams that stand elsewhere in the text too, in [0, 1]; 0 is none.

    >>> repetition("one two three four five"), repetition("a b c d a b c d a b c d") > 0.5
    (0.0, True)
    """
    tokens = text.split()
    grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    if not grams:
        return 0.0
    return 1 - len(Counter(grams)) / len(grams)


def list_items(text: str) -> int:
    """Number of lines that begin like an item of a list."""
    return len(_LIST_ITEM.findall(text))


@dataclass(frozen=True)
class DiffPart:
    """A run of text that both have, or only the new or only the old one."""

    op: Literal["same", "added", "removed"]
    text: str


def word_diff(old: str, new: str) -> list[DiffPart]:
    """The difference by words; same and removed parts give `old`, same and added give `new`.

    >>> [(p.op, p.text) for p in word_diff("a red cat", "a blue cat")]
    [('same', 'a '), ('removed', 'red'), ('added', 'blue'), ('same', ' cat')]
    """
    before, after = words(old), words(new)
    parts: list[DiffPart] = []
    removed = added = ""
    for op in Indel.opcodes(before, after):
        if op.tag != "equal":  # gather a changed run, so that what left stands before what came
            removed += "".join(before[op.src_start : op.src_end])
            added += "".join(after[op.dest_start : op.dest_end])
            continue
        parts += _changed(removed, added)
        parts.append(DiffPart("same", "".join(before[op.src_start : op.src_end])))
        removed = added = ""
    return parts + _changed(removed, added)


def _changed(removed: str, added: str) -> list[DiffPart]:
    out = [DiffPart("removed", removed)] if removed else []
    return out + ([DiffPart("added", added)] if added else [])
