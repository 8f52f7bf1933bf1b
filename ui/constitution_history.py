"""All versions of a constitution: any two compared, any one restored into the draft."""

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.schema import Version
from cai_core.store import constitutions
from ui import cards, impact_edit
from ui.confirm import confirm
from ui.constitution_changes import show_changes
from ui.draft import Draft, change


def show_history(db: Database, draft: Draft) -> None:
    """Draw the list of versions, the difference of two, and the way back to one."""
    versions = constitutions.versions(db, draft.name) if draft.base else []
    if not versions:
        cards.empty("No versions yet", "Save the draft, and its first version stands here.")
        return
    st.dataframe(
        pd.DataFrame([_row(version) for version in versions]),
        hide_index=True,
        alt="Versions of this constitution, newest first",
    )
    by_number = {version.number: version for version in versions}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        numbers = list(by_number)
        old = st.selectbox(
            "From version", numbers, index=min(1, len(numbers) - 1), key="from_version"
        )
        new = st.selectbox("to version", numbers, key="to_version")
        if st.button(f"Restore version {old}", key="restore", icon=":material/restore:"):
            _restore(by_number[old], draft)
        if st.button(
            "What does it change?",
            key="history_impact",
            icon=":material/difference:",
            disabled=old == new,
        ):
            st.session_state[impact_edit.FROM] = by_number[old].title
            st.session_state[impact_edit.TO] = by_number[new].title
            st.switch_page("pages/impact.py")
    if old == new:
        st.caption("Choose two different versions to see what changed.")
        return
    show_changes(by_number[old].constitution, by_number[new].constitution)


def _row(version: Version) -> dict[str, object]:
    return {
        "Version": version.number,
        "Saved": version.created[:16].replace("T", " "),
        "Author": version.author,
        "Message": version.message,
        "Principles": len(version.constitution.principles),
        "Hash": version.constitution.hash,
    }


def _restore(version: Version, draft: Draft) -> None:
    if not draft.unsaved:
        _fill(version)
        st.rerun()
    confirm(
        f"Restore version {version.number}?",
        "Your unsaved draft is replaced. Nothing that was saved changes.",
        button="Restore",
        on_click=_fill,
        args=(version,),
    )


def _fill(version: Version) -> None:
    change(lambda draft: draft.filled_with(version.constitution))
    st.toast(f"Version {version.number} is in the draft; save it to make it the newest.")
