"""Measures of one text, and the difference of two: no model, no file."""

import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
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
_RUNNING_ID = re.compile(
    r"\b(?=[0-9a-f-]*\d)(?=[0-9-]*[a-f])[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\b[a-z]+[-_](?=\w*\d)\w{12,}\b"
)
_NUMBER = re.compile(
    r"(?<!answered )(?<!status )(?<!code )(?<!HTTP )(?<![\w(:/.$'-])\d+(?:[.,]\d+)*(?![\w):/'-])"
)
_LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+", re.MULTILINE)


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


def in_locked_half(first_user_turn: str) -> bool:
    """Whether people's verdicts on this prompt are for versions that have a name, never for tuning.

    By a hash of the normalised prompt, half and half; another hash than that of the splits.

    >>> in_locked_half("How do I make tea?") == in_locked_half("how do i make TEA")
    True
    """
    digest = hashlib.sha256(f"locked {normalise(first_user_turn)}".encode()).digest()
    return bool(digest[0] % 2)


def kind_of_reason(reason: str) -> str:
    """A reason without the numbers and ids of its row, for counting; a status code stays.

    >>> kind_of_reason("the prompt has 912 tokens and the window holds 512")
    'the prompt has … tokens and the window holds …'
    >>> kind_of_reason("failed after 3 tries (503): request req_011CQ8d72Gk4f")
    'failed after … tries (503): request …'
    """
    plain = _NUMBER.sub("…", _RUNNING_ID.sub("…", " ".join(reason.split())))
    return plain if len(plain) <= 200 else plain[:199] + "…"


def words(text: str) -> list[str]:
    """Words, single punctuation marks and runs of white space; joined they give the text back."""
    return _WORD.findall(text)


def similarity(one: str, other: str) -> float:
    """Share of words that two texts have in common, in order: 1 is equal, 0 is nothing.

    Twice the longest common sequence over the words of both (Indel similarity).

    >>> similarity("wash it well", "wash it now"), similarity("", "")
    (0.6666666666666667, 1.0)
    """
    return Indel.normalized_similarity(one.split(), other.split())


def is_refusal(text: str) -> bool:
    """Whether the first 200 characters decline, by wording alone.

    >>> is_refusal("I'm sorry, but I can't help with that."), is_refusal("Use a clean pan.")
    (True, False)
    """
    return bool(_REFUSAL.search(text[:200]))


def answer_differences(
    a: str, b: str, *, lengths: tuple[int, int] | None = None
) -> tuple[float, float]:
    """How two answers differ: in length, and in refusing.

    Args:
        lengths: in characters, where only the first 200 of each answer are given.
    Returns:
        log2 of the ratio of their lengths (1: A is twice as long, -1: B is), and 1 where only A
        refuses, -1 where only B does, else 0. With the sides turned both change their sign.

    >>> answer_differences("I can't.", "Use one."), answer_differences("abc", "a")
    ((0.0, 1.0), (1.0, 0.0))
    """
    long_a, long_b = lengths or (len(a), len(b))
    ratio = math.log2((long_a + 1) / (long_b + 1))
    return ratio, float(is_refusal(a)) - float(is_refusal(b))


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


# Share of repeated 4-word runs above which a text goes round in circles. Above it lies 1 of the 1,149
# answers that people preferred in the hh harmlessness pairs (0.1%; 99% lie under 0.06), and so do the
# answers of the built-in model that end in one line said over and over (0.23 to 0.55).
LOOPING = 0.2


def is_looping(text: str) -> bool:
    """Whether it says the same again and again.

    >>> is_looping("I promise to pay you. " * 4), is_looping("I promise to pay you.")
    (True, False)
    """
    return repetition(text) > LOOPING


def list_items(text: str) -> int:
    """Number of lines that begin like an item of a list."""
    return len(_LIST_ITEM.findall(text))


def list_difference(a: str, b: str) -> float:
    """How far A is shaped like a list more than B: log2 of the ratio of their items, one added to each.

    >>> list_difference("- tea\\n- milk\\n- sugar", "Tea."), list_difference("Tea.", "Milk.")
    (2.0, 0.0)
    """
    return math.log2((list_items(a) + 1) / (list_items(b) + 1))


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


def joined(parts: Sequence[DiffPart]) -> list[DiffPart]:
    """Neighbouring changes as one: what has only white space between it reads as one change.

    >>> [(p.op, p.text) for p in joined(word_diff("if it were so", "near or far so"))]
    [('removed', 'if it were'), ('added', 'near or far'), ('same', ' so')]
    """
    found: list[DiffPart] = []
    run = {"removed": "", "added": ""}
    for part, following in zip_longest(parts, parts[1:]):
        if part.op != "same":
            run[part.op] += part.text
        elif any(run.values()) and part.text.isspace() and following and following.op != "same":
            run = {op: text + part.text for op, text in run.items()}
        else:
            found += [*_run(run), part]
            run = {"removed": "", "added": ""}
    return found + _run(run)


def _run(run: dict[str, str]) -> list[DiffPart]:
    """A run as at most two parts; removed white space alone, beside added words, is left out."""
    removed, added = run["removed"], run["added"]
    if added.strip() and not removed.strip():
        removed = ""
    found = [DiffPart("removed", removed)] if removed else []
    return found + ([DiffPart("added", added)] if added else [])
