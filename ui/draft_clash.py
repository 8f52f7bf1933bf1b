"""A draft that was changed in two browser tabs: both shown, and a choice that loses neither."""

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import ConflictError
from cai_core.store import drafts as store
from cai_core.store.drafts import KeptDraft
from ui import frame, kept_drafts
from ui.clock import moment
from ui.constitution_changes import show_changes
from ui.draft import Draft, current


def show_clash(draft: Draft) -> None:
    """Draw both where another tab changed this draft too; nothing is written until one is chosen."""
    theirs = kept_drafts.clash(draft.name)
    if theirs is None:
        return
    with st.container(border=True, gap="small"):
        st.warning(
            f"You changed this draft in another tab too, at {moment(theirs.updated)}. Neither is lost:"
            " look at the difference and choose the one to go on with; the other is set aside.",
            icon=":material/tabs:",
        )
        st.caption("From the other tab's to this one's")
        show_changes(theirs.constitution, draft.constitution)
        with st.container(horizontal=True):
            for title, step in (("Go on with this one", _keep_mine), ("Take the other", _take)):
                st.button(
                    title,
                    key=f"clash{step.__name__}",
                    on_click=frame.callback(step),
                    args=(theirs,),
                )


def _keep_mine(db: Database, theirs: KeptDraft) -> None:
    _require_seen(db, theirs)
    store.set_aside(db, theirs, why="replaced")
    kept_drafts.forget(db, theirs.name)


def _take(db: Database, theirs: KeptDraft) -> None:
    _require_seen(db, theirs)
    kept_drafts.set_aside(db, current(), why="replaced")
    kept_drafts.take(db, theirs)


def _require_seen(db: Database, theirs: KeptDraft) -> None:
    if store.get(db, theirs.person, theirs.name) != theirs:
        raise ConflictError("the other tab changed it once more; look again and choose")
