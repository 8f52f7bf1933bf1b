"""The list of runs: those under way first, then the rest, newest first."""

import streamlit as st
from sqlite_utils import Database

from cai_core.store import work
from ui import cards, frame, job_cards

RUN = "run"  # query parameter: the run that is open
SHOWN = 30
GROUPS = {
    "All": (),
    "Training": job_cards.TRAINING,
    "Feedback": ("prompts", "revise", "sample-pairs", "judge"),
    "Comparison": ("winrate",),
}


@frame.fragment(run_every="2s")
def show(db: Database) -> None:
    """Draw the jobs of the chosen kind; a page with no jobs says where they come from."""
    if RUN in st.query_params:
        st.rerun()  # a click in here ran this part alone, and the page is to show that run
    if not work.find(db, limit=1):
        cards.empty(
            "There are no runs yet",
            "Generating feedback and training are jobs; each one you start stands here.",
            page="generate",
            label="Generate feedback",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        group = st.segmented_control("Kind", list(GROUPS), default="All", key="runs_kind")
        archived = st.toggle("Archived", key="runs_archived")
    found = work.find(db, kinds=GROUPS[group or "All"], archived=archived)
    found.sort(key=lambda job: not (job.active or job.state == "queued"))  # stable: newest first
    for job in found[:SHOWN]:
        job_cards.card(job, open_run=open_run)
    if len(found) > SHOWN:
        st.caption(f"{len(found) - SHOWN} older runs are not shown; choose a kind to narrow.")
    if not found:
        st.caption("No archived run of this kind." if archived else "No run of this kind.")


def open_run(job_id: str) -> None:
    st.query_params[RUN] = job_id


def close() -> None:
    st.query_params.clear()
