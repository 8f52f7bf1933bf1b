"""What a model was shown and how it did: the first batch as it sees it, the best and worst held-out rows."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from cai_core.train.watch.records import Watch
from ui import cards
from ui.plain import shorten

SHOWN = 4  # rows of the first batch before the rest is folded


def show(watch: Watch, *, key: str) -> None:
    batch, ends = watch.read("first_batch"), watch.read("ends")
    if not batch and not ends:
        st.caption("Nothing yet: the first batch comes with the first step.")
        return
    if batch:
        _batch(batch.get("rows") or [], key)
    if ends:
        _ends(ends)


def _batch(rows: Sequence[Mapping[str, Any]], key: str) -> None:
    st.subheader("The first batch as the model sees it", anchor=False)
    st.caption("What is marked is learned from; the rest is read only. Template tokens are shown.")
    for row in rows[:SHOWN]:
        _row(row)
    if rows[SHOWN:]:
        with st.expander(f"{len(rows) - SHOWN} more rows", icon=":material/table_rows:"):
            for row in rows[SHOWN:]:
                _row(row)


def _row(row: Mapping[str, Any]) -> None:
    pieces = row.get("pieces") or []
    with st.container(border=True, gap="small"):
        if row.get("side"):
            st.caption(shorten(str(row["side"]), 60))
        st.html(marked(pieces))
        if counts := _counts(row):
            st.caption(counts)


def _counts(row: Mapping[str, Any]) -> str:
    tokens, learned = row.get("tokens"), row.get("learned_tokens")
    if tokens is None or learned is None:
        return ""
    return f"{tokens} tokens, {learned} of them learned from"


def marked(pieces: Sequence[Sequence[Any]]) -> str:
    """Pieces of text as HTML, escaped, with those that are learned from marked.

    >>> marked([["<user>", False], ["yes", True]]).count("<mark")
    1
    """
    shown = "".join(
        f"<mark>{html.escape(str(text))}</mark>" if learned else html.escape(str(text))
        for text, learned in pieces
    )
    return (
        '<div style="white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5;font-size:.9em;'
        f'font-family:monospace">{shown}</div>'
    )


def _ends(ends: Mapping[str, Any]) -> None:
    st.subheader("Best and worst held-out rows", anchor=False)
    if says := ends.get("measure"):
        st.caption(shorten(str(says), 200))
    best, worst = st.columns(2, gap="medium")
    for column, title, rows in (
        (best, "Best", ends.get("best") or []),
        (worst, "Worst", ends.get("worst") or []),
    ):
        with column:
            st.markdown(f"**{title} {len(rows)}**")
            for row in rows:
                _end(row)


def _end(row: Mapping[str, Any]) -> None:
    turns = row.get("prompt") or []
    value = row.get("value")
    with st.container(border=True, gap="small"):
        if turns:
            st.text(shorten(str(turns[-1].get("content", "")), 300))
        for name in ("completion", "chosen", "rejected", "answer"):
            if row.get(name):
                cards.answer(name.capitalize(), _text(row[name]))
        if isinstance(value, int | float):
            st.caption(f"{row.get('name', 'measure')} {value:.3g}")


def _text(value: Any) -> str:
    """An answer as text or as its one assistant turn."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return str(value[0].get("content", ""))
    return str(value)
