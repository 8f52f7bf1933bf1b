"""A suite as a file: into the workspace, and out of it, to stand in git beside the constitution."""

import streamlit as st
from sqlite_utils import Database

from cai_core.evaluate import suite_file
from cai_core.store import suites
from ui import frame
from ui.person import person
from ui.suite_board import Board

_UPLOAD = "suite_upload"


def show(board: Board, name: str) -> None:
    """Import and export, side by side."""
    with st.popover("Import", icon=":material/upload:"):
        st.caption(
            "A suite file (YAML). Cases with a new id are added, others get its state; a case that the"
            " file does not have stays."
        )
        st.file_uploader(
            "Suite",
            type=["yaml", "yml"],
            key=_UPLOAD,
            on_change=frame.callback(_take),
            args=(name,),
        )
    st.download_button(
        "Export",
        suite_file.dump(board.cases) if board.cases else "",
        file_name=f"{name}.suite.yaml",
        mime="application/yaml",
        icon=":material/download:",
        on_click="ignore",
        disabled=not board.cases,
        key="suite_export",
    )


def _take(db: Database, name: str) -> None:
    file = st.session_state[_UPLOAD]
    if file is None:
        return
    counts = suites.put(db, name, suite_file.parse(file.getvalue(), name=file.name), by=person())
    st.toast(f"{counts['new']} new, {counts['changed']} changed, {counts['same']} as they were.")
