"""A paragraph cut into sentences, each with the line on which it begins."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

# A full stop after these ends no sentence.
_SHORT_FORMS = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|approx|esp|incl|resp|mr|mrs|ms|dr|prof|st|no|nos|art|sec|fig|p|pp|vol"
    r"|ed|eds|al|inc|ltd|u\.s|u\.k|etc)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_END = re.compile(r"[.?!…][\"'”’)\]*_]{0,4} (?=[\"'“‘(\[*_]{0,4}[A-Z0-9])")


@dataclass(frozen=True)
class Sentence:
    line: int
    text: str


def split(parts: Sequence[tuple[int, str]]) -> list[Sentence]:
    """
    Args:
        parts: (line, text) of the lines of one paragraph, in order.

    >>> [s.text for s in split([(1, "Be kind, e.g. to Mr. Fox. Always"), (2, "be brief!")])]
    ['Be kind, e.g. to Mr. Fox.', 'Always be brief!']
    """
    text, begins, lines = "", [], []
    for line, part in parts:
        begins.append(len(text))
        lines.append(line)
        text += f"{part} "
    found, start = [], 0
    for end in _ends(text):
        piece = text[start:end].strip()
        if piece:
            found.append(Sentence(lines[max(bisect_right(begins, start) - 1, 0)], piece))
        start = end
    return found


def _ends(text: str) -> list[int]:
    ends = [m.end() for m in _END.finditer(text) if not _is_short_form(text, m.start())]
    return [*ends, len(text)]


def _is_short_form(text: str, stop: int) -> bool:
    return text[stop] == "." and bool(_SHORT_FORMS.search(text[max(0, stop - 8) : stop + 1]))
