"""Which constitution is open, and where it comes from."""

import streamlit as st
from sqlite_utils import Database

from cai_core.store import constitutions
from ui import kept_drafts
from ui.constitution_new import show_new
from ui.constitution_upload import show_download, show_note, show_upload
from ui.draft import CURRENT, Draft, current, drafts, keep
from ui.draft_steps import begin_steps
from ui.set_aside import show_set_aside


def open_draft(db: Database) -> Draft | None:
    """Draw the choice of constitution; the draft that is open, None where there is none."""
    saved = constitutions.names(db)
    slots = saved + [slot for slot in drafts() if slot not in saved]
    if slots:
        # Set anew in each run: the label of what is chosen changes with its draft.
        chosen = st.session_state.get(CURRENT)
        first = next(iter(kept_drafts.unsaved_slots()), slots[0])
        st.session_state[CURRENT] = chosen if chosen in slots else first
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if slots:
            titles = {slot: _title(slot) for slot in slots}
            st.selectbox(
                "Constitution",
                slots,
                key=CURRENT,
                format_func=lambda slot: titles.get(slot, slot),
                persist_state="session",
            )
        show_new(saved)
        show_upload()
        if slots:
            show_download(_load(db))
        show_set_aside(db)
    show_note()
    return current() if slots else None


def _title(slot: str) -> str:
    """Its name, and since when a draft of it waits: read from what this session holds."""
    draft = drafts().get(slot)
    if draft is None or not draft.unsaved:
        return slot
    when = kept_drafts.kept_at(slot)
    return f"{slot} · unsaved draft{f' from {when}' if when else ''}"


def _load(db: Database) -> Draft:
    """The open draft, begun from the newest version; an unchanged one follows the store."""
    slot = st.session_state[CURRENT]
    draft = drafts().get(slot)
    if draft is None or (draft.base and not draft.unsaved):
        newest = constitutions.newest(db, slot)
        if draft is None or draft.base is None or draft.base.id != newest.id:
            keep(Draft.of(newest.constitution, newest, like=draft))
            begin_steps(slot)
    return current()
