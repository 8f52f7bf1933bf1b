"""The two answers of a pair side by side, with the words shaded that only one of them has."""

import html
from dataclasses import dataclass

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
    parts = word_diff(a, b) if mark and a != b else []
    if not parts or _shared(parts) < SHARED:
        return Sides(block(a), block(b), marked=False)
    return Sides(_html(parts, "removed"), _html(parts, "added"), marked=True)


def _shared(parts: list[DiffPart]) -> float:
    """Share of all words of both answers that stand in both."""
    count = {"same": 0, "removed": 0, "added": 0}
    for part in parts:
        count[part.op] += sum(not word.isspace() for word in words(part.text))
    twice = 2 * count["same"]
    return twice / max(1, twice + count["removed"] + count["added"])


def _html(parts: list[DiffPart], own: str) -> str:
    """One answer: its own words shaded, and the white space between two of them too."""
    mine = [part for part in parts if part.op in ("same", own)]
    changed = [part.op == own for part in mine]
    shaded = [
        here or (not part.text.strip() and before and after)
        for part, here, before, after in zip(
            mine, changed, [False, *changed], [*changed[1:], False], strict=False
        )
    ]
    shown = "".join(_part(part.text, mark) for part, mark in zip(mine, shaded, strict=True))
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
    st.caption(_note(a, b, shown, mark))


def _note(a: str, b: str, shown: Sides, mark: bool) -> str:
    lengths = f"A has {len(a.split())} words, B {len(b.split())}."
    if a == b:
        return f"The answers are the same. {lengths}"
    if shown.marked:
        return f"Shaded: what only one answer says. {lengths}"
    if mark:
        return f"The answers share too few words for marks to help. {lengths}"
    return lengths
