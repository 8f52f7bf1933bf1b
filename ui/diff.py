"""The difference of two texts by words, as escaped HTML that reads on light and dark alike."""

import html
from collections.abc import Sequence

import streamlit as st

from cai_core.text import DiffPart, joined, word_diff

_BLOCK = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.55"
_ADDED = "background:rgba(46,140,80,.24);text-decoration:none;border-radius:3px"
_REMOVED = "background:rgba(200,70,50,.20);border-radius:3px;opacity:.8"


def show_diff(old: str, new: str) -> None:
    """Draw the new text with what was added shaded and what was removed struck out."""
    if old == new:
        st.caption("No difference.")
        return
    show_parts(word_diff(old, new))


def show_parts(parts: Sequence[DiffPart]) -> None:
    """Draw a difference that was worked out already."""
    st.html(diff_html(parts))


def diff_html(parts: Sequence[DiffPart]) -> str:
    """One block of HTML; every character of both texts is escaped.

    >>> diff_html(word_diff("<b>", "<i>")).count("<b>")
    0
    """
    return f'<div style="{_BLOCK}">{"".join(map(_part, joined(parts)))}</div>'


def _part(part: DiffPart) -> str:
    text = html.escape(part.text)
    if part.op == "added":
        return f'<ins style="{_ADDED}">{text}</ins>'
    if part.op == "removed":
        return f'<del style="{_REMOVED}">{text}</del>'
    return text


def change_summary(old: str, new: str) -> str:
    """How much changed, in words: for captions.

    >>> change_summary("a red cat", "a blue cat")
    '1 word added, 1 removed'
    """
    count = {"added": 0, "removed": 0, "same": 0}
    for part in word_diff(old, new):
        count[part.op] += len(part.text.split())
    added, removed = count["added"], count["removed"]
    return f"{added} word{'' if added == 1 else 's'} added, {removed} removed"
