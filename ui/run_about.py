"""What people keep about a run: its name, a note, and whether it is out of the way."""

import streamlit as st
from sqlite_utils import Database

from cai_core.jobs import queue
from cai_core.store import work
from ui import frame


def show_note(job: work.Job) -> None:
    if job.note:
        st.text(job.note)


def actions(job: work.Job) -> None:
    """Rename and note in a popover; archive where it has ended."""
    with st.popover("Name and note", icon=":material/edit_note:", type="tertiary"):
        title, note = f"about_title_{job.id}", f"about_note_{job.id}"
        with st.form(f"about_{job.id}", border=False):
            st.text_input("Name", value=job.title, key=title)
            st.text_area("Note", value=job.note, key=note, height=100)
            st.form_submit_button("Keep", on_click=frame.callback(_describe), args=(job.id,))
    if job.state in work.ENDED:
        away = job.archived is None
        st.button(
            "Archive" if away else "Bring back",
            icon=":material/archive:" if away else ":material/unarchive:",
            key=f"archive_{job.id}",
            help="Takes it off the list; its files stay." if away else None,
            on_click=frame.callback(_archive),
            args=(job.id, away),
            type="tertiary",
        )


def _describe(db: Database, job_id: str) -> None:
    queue.describe(
        db,
        job_id,
        title=st.session_state[f"about_title_{job_id}"],
        note=st.session_state[f"about_note_{job_id}"],
        by=frame.person(),
    )


def _archive(db: Database, job_id: str, away: bool) -> None:
    queue.archive(db, job_id, away=away, by=frame.person())
