"""A search through all pairs: the newest that have the words, and a way to read one of them."""

from collections.abc import Callable

import streamlit as st
from sqlite_utils import Database

from cai_core.store import pairs
from cai_core.store.pairs import PairFilter
from ui.plain import label

PAGE = 20
MOST = 10_000


def show(db: Database, where: PairFilter, open_pair: Callable[[str], None]) -> None:
    """The box, how many were found, and the first page; `open_pair` takes a pair's id."""
    st.text_input(
        "Words",
        key="review_words",
        type="search",
        placeholder="Words in the prompt or an answer",
        label_visibility="collapsed",
        width=420,
    )
    if not where.text:
        st.caption("Every word must stand in the prompt or in one of the answers.")
        return
    found = pairs.find(db, where, order="newest", limit=PAGE)
    n = pairs.count(db, where, most=MOST + 1)
    st.caption(_count_words(n, len(found)))
    with st.container(height=min(200, 60 + 44 * len(found)), border=True, gap="xxsmall"):
        for item in found:
            asked = label(item.pair.prompt[-1].content, limit=110)
            st.button(
                asked,
                key=f"review_open_{item.id}",
                type="tertiary",
                on_click=open_pair,
                args=(item.id,),
            )


def _count_words(n: int, shown: int) -> str:
    """
    >>> _count_words(10_001, 20), _count_words(1, 1)
    ('10,000+ pairs, the newest 20 here. One that you open measures nothing.', '1 pair. One that you open measures nothing.')
    """
    count = f"{MOST:,}+ pairs" if n > MOST else f"{n:,} pair{'' if n == 1 else 's'}"
    some = f", the newest {shown} here" if n > shown else ""
    return f"{count}{some}. One that you open measures nothing."
