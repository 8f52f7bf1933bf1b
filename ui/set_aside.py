"""Drafts that were discarded or replaced, and the way back to each."""

import streamlit as st
from sqlite_utils import Database

from cai_core.store import drafts as store
from cai_core.store.drafts import SetAside
from ui import frame, kept_drafts
from ui.clock import moment
from ui.draft import drafts, take_up
from ui.plain import label, shorten

SHOWN = 20


def show_set_aside(db: Database) -> None:
    """Draw a popover that lists them; nothing where there is none."""
    found = store.aside(db, frame.person(), limit=SHOWN)
    if not found:
        return
    with st.popover("Set aside", icon=":material/history:", help=_HELP):
        by_seq = {one.seq: one for one in found}
        chosen = st.selectbox(
            "Draft", list(by_seq), format_func=lambda seq: _title(by_seq[seq]), key="aside_draft"
        )
        with st.container(height=240, gap="small"):
            for principle in by_seq[chosen].draft.constitution.principles:
                st.text(f"{principle.key}: {principle.text or principle.critique}")
        st.button(
            "Bring it back",
            key="aside_back",
            type="primary",
            on_click=frame.callback(_bring_back),
            args=(by_seq[chosen],),
        )


_HELP = "Drafts that you discarded, or that something else took the place of."


def _title(one: SetAside) -> str:
    n = len(one.draft.constitution.principles)
    return (
        f"{shorten(one.draft.name, 40)}, {one.why} {moment(one.created)},"
        f" {n} principle{'' if n == 1 else 's'}"
    )


def _bring_back(db: Database, one: SetAside) -> None:
    name = one.draft.name
    if name in drafts():
        kept_drafts.set_aside(db, drafts()[name], why="replaced")
    take_up(kept_drafts.as_draft(db, one.draft), slot=name)
    st.toast(f"The draft of {label(name)} is back.", icon=":material/history:")
