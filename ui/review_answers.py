"""The two answers of a pair side by side, with the words shaded that only one of them has."""

import html
from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st

from cai_core.text import DiffPart, word_diff, words
from ui.plain import block

SHARED = (
    0.5  # words in common, of both answers' words, from which marks help more than they clutter
)
LONG = 700  # characters from which an answer scrolls in its card
HEIGHT = 300

_BLOCK = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.55"
_MARK = "background:rgba(180,130,20,.26);color:inherit;border-radius:3px"


@dataclass(frozen=True)
class Sides:
    """Both answers as escaped HTML; `marked` says whether differences are shaded."""

    a: str
    b: str
    marked: bool


def sides(a: str, b: str, *, mark: bool = True) -> Sides:
    """Both answers for the screen; every character of both is escaped.

    >>> sides("use a <b> pan", "use a hot pan").b.count("<mark")
    1
    >>> sides("yes", "no way at all").marked
    False
    """
    both = parts_of_both(a, b) if mark else None
    if both is None:
        return Sides(block(a), block(b), marked=False)
    return Sides(_html(both[0]), _html(both[1]), marked=True)


def _shared(parts: list[DiffPart]) -> float:
    """Share of all words of both answers that stand in both."""
    count = {"same": 0, "removed": 0, "added": 0}
    for part in parts:
        count[part.op] += sum(not word.isspace() for word in words(part.text))
    twice = 2 * count["same"]
    return twice / max(1, twice + count["removed"] + count["added"])


def parts_of_both(a: str, b: str) -> tuple[list[DiffPart], list[DiffPart]] | None:
    """Both answers cut where they differ; None where marks would clutter more than they help.

    What has only white space between two changes is a change too.
    """
    parts = word_diff(a, b) if a != b else []
    if not parts or _shared(parts) < SHARED:
        return None
    return _shaded(parts, "removed"), _shaded(parts, "added")


def _shaded(parts: list[DiffPart], own: Literal["removed", "added"]) -> list[DiffPart]:
    mine = [part for part in parts if part.op in ("same", own)]
    changed = [part.op == own for part in mine]
    return [
        replace(part, op=own) if not part.text.strip() and before and after else part
        for part, before, after in zip(mine, [False, *changed], [*changed[1:], False], strict=False)
    ]


def _html(parts: list[DiffPart]) -> str:
    shown = "".join(_part(part.text, part.op != "same") for part in parts)
    return f'<div style="{_BLOCK}">{shown}</div>'


def _part(text: str, mark: bool) -> str:
    text = html.escape(text)
    return f'<mark style="{_MARK}">{text}</mark>' if mark and text.strip(" ") else text


def show_answers(a: str, b: str, *, mark: bool = True) -> None:
    """Draw A on the left and B on the right, as long as each other."""
    shown = sides(a, b, mark=mark)
    height = HEIGHT if max(len(a), len(b)) > LONG else "content"
    for column, name, text, body in zip(
        st.columns(2), ("A", "B"), (a, b), (shown.a, shown.b), strict=True
    ):
        with column, st.container(border=True, height="stretch", gap="xsmall"):
            st.markdown(f"**Answer {name}**")
            with st.container(height=height, border=False):
                if text.strip():
                    st.html(body)
                else:
                    st.caption("The answer is empty.")
    st.caption(note(a, b, marked=shown.marked, mark=mark))


def note(a: str, b: str, *, marked: bool, mark: bool = True) -> str:
    """How long both are, and what is shaded."""
    lengths = f"A has {len(a.split())} words, B {len(b.split())}."
    if a == b:
        return f"The answers are the same. {lengths}"
    if marked:
        return f"Shaded: what only one answer says. {lengths}"
    if mark:
        return f"The answers share too few words for marks to help. {lengths}"
    return lengths
