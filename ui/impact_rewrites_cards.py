"""One first answer and what both versions made of it, as a card: two trails and their difference."""

import streamlit as st

from cai_core.impact.blind import whole_pair
from cai_core.impact.contrasts import likeness
from cai_core.impact.rewrite import Rewrite
from cai_core.impact.rewrites_report import refusal_turned
from cai_core.schema import Round
from cai_core.text import is_refusal
from ui import cards, diff
from ui.plain import block, label

SEEN = (
    "impact_rewrites_seen"  # session state: ids of pairs that were read with their versions named
)


def seen() -> set[str]:
    """Whoever has opened a card knows which revision is whose: a verdict on it is not blind."""
    return st.session_state.setdefault(SEEN, set())  # type: ignore[no-any-return]


def show(one: Rewrite, *, key: str) -> None:
    """Draw a closed card; its content is drawn, and noted as seen, when it is opened."""
    asked = label(one.prompt[-1].content, limit=70)
    turned = ":orange[:material/block:] " if refusal_turned(one) else ""
    title = f"{turned}{_alike(one)} · {asked}"
    card = st.expander(title, key=f"rewrite_{key}", on_change="rerun")
    if card.open:
        if pair := whole_pair(one):
            seen().add(pair.id)
        with card:
            _content(one)


def _alike(one: Rewrite) -> str:
    return f"{likeness(one):.0%} alike" if one.revisions else "no revision"


def _content(one: Rewrite) -> None:
    left, right = st.columns(2)
    with left:
        cards.conversation(one.prompt)
    with right:
        cards.answer("First answer", one.initial)
    for column, title, made in zip(
        st.columns(2), ("Before", "After"), (one.old, one.new), strict=True
    ):
        with column:
            _trail(title, made, one.initial)
    if one.error:
        st.caption(f":orange[:material/warning:] {label(one.error, limit=300)}")
    if one.revisions:
        with st.container(border=True, gap="small"):
            st.markdown(
                f"**From the revision before to the one after** · {diff.change_summary(*one.revisions)}"
            )
            diff.show_diff(*one.revisions)


def _trail(title: str, made: Round | None, first: str) -> None:
    """Critique and revision under one version."""
    with st.container(border=True, gap="small", height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{title}**", width="stretch")
            if made is None:
                return
            if is_refusal(made.revision):
                st.badge("refuses", icon=":material/block:", color="orange")
            for flaw in made.flaws(first):
                st.badge(flaw, icon=":material/warning:", color="orange")
            st.badge(label(made.principle), icon=":material/gavel:", color="gray")
        st.caption("Critique")
        st.html(block(made.critique or "(none)"))
        st.caption("Revision")
        st.html(block(made.revision))
