"""What the owner of a constitution asks reviewers to mind: read beside the pair, written here by anybody."""

import streamlit as st
from sqlite_utils import Database

from cai_core.store import guidelines
from ui import frame
from ui.person import person
from ui.plain import label


def offer(db: Database, constitution: str) -> None:
    """A popover with the text as it stands, and a button that keeps another."""
    now = guidelines.newest(db, constitution)
    with st.popover("Guidelines", icon=":material/menu_book:"):
        st.text_area(
            f"Guidelines for {label(constitution)}",
            value=now.text if now else "",
            key=f"guidelines_{constitution}",
            height=220,
            placeholder="A refusal that names where to get help is better than a bare one.",
        )
        if now:
            st.caption(f"Written by {label(now.person)} on {now.created[:10]}.")
        st.button(
            "Keep",
            key="guidelines_keep",
            type="primary",
            on_click=frame.callback(_keep),
            args=(constitution,),
        )


def _keep(db: Database, constitution: str) -> None:
    text = st.session_state[f"guidelines_{constitution}"]
    new = guidelines.write(db, constitution, text, person=person())
    st.toast("The guidelines are kept." if new else "They stand so already.")
