"""One run: its state, curves, log, settings, where it came from, files, and a chat with the result."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.jobs import queue
from cai_core.store import work
from ui import (
    cards,
    frame,
    job_cards,
    run_about,
    run_again,
    run_alarms,
    run_chat,
    run_curves,
    run_rows,
    run_samples,
)
from ui.plain import label

SEEN = "run_seen"  # session state: the run that is open, its state, and the models it has


def show(db: Database, job_id: str) -> None:
    """Everything about one run; a CaiError where there is none with this id."""
    job = work.get(db, job_id)
    st.subheader(label(job.title), anchor=False)
    show_state(job_id)
    run_about.show_note(job)
    names = ["Log", "Settings and lineage"]
    if job.kind in job_cards.TRAINING:
        names = ["Curves", "Samples", "Rows", *names]
    if job.kind == "chain":
        names.insert(0, "Report")
    if run_chat.parts(job):
        names.append("Chat")
    for name, tab in zip(names, st.tabs(names, key=f"tabs_{job_id}"), strict=True):
        with tab:
            _TABS[name](job_id)


@frame.fragment(run_every="2s")
def show_state(db: Database, job_id: str) -> None:
    job = work.get(db, job_id)
    _rerun_where_it_has_more_to_show(job)
    with st.container(horizontal=True, vertical_alignment="center"):
        cards.state(job.state)
        seconds = job_cards.seconds_between(job.started, job.ended)
        attempt = f" · attempt {job.attempt}" if job.attempt > 1 else ""
        st.caption(
            f"{job_cards.KINDS.get(job.kind, job.kind)} · {job_cards.duration(seconds)}{attempt}"
        )
        job_cards.actions(job)
        run_again.button(job)
        run_about.actions(job)
    if job.reason:
        (st.error if job.state == "failed" else st.info)(label(job.reason, limit=1000))
    if job.active and job.progress.total:
        share = min(1.0, job.progress.done / job.progress.total)
        st.progress(share, text=job_cards.progress_words(job.progress, seconds))
    run_alarms.show(job)


def _rerun_where_it_has_more_to_show(job: work.Job) -> None:
    """Report and chat appear while the page is open: when the run ends, or a part of it does."""
    seen = (job.id, job.state, tuple(run_chat.parts(job)))
    before = st.session_state.get(SEEN, seen)
    st.session_state[SEEN] = seen
    if before[0] == job.id and before != seen:
        st.rerun()


@frame.fragment(run_every="3s")
def _curves(db: Database, job_id: str) -> None:
    job = work.get(db, job_id)
    run_curves.show(db, job)
    for name, watch in run_alarms.watches(job).items():
        run_alarms.show_duels(watch, key=f"curve_{job_id}_{name}")


@frame.fragment(run_every="5s")
def _samples(db: Database, job_id: str) -> None:
    _by_stage(work.get(db, job_id), run_samples.show)


@frame.fragment
def _rows(db: Database, job_id: str) -> None:
    _by_stage(work.get(db, job_id), run_rows.show)


def _by_stage(job: work.Job, draw: Callable[..., None]) -> None:
    """What a run shows of itself; of a chain the stage that is chosen."""
    found = run_alarms.watches(job)
    if not found:
        st.caption("Nothing yet: it comes with the first steps.")
        return
    stage = next(iter(found))
    if len(found) > 1:
        key = f"stage_{draw.__module__}_{job.id}"
        stage = st.segmented_control(
            "Stage", list(found), default=list(found)[-1], required=True, key=key
        )
    draw(found[stage], key=f"{draw.__module__}_{job.id}_{stage}")


@frame.fragment(run_every="3s")
def _log(db: Database, job_id: str) -> None:
    text = queue.log_tail(job_id)
    if text:
        st.code(text, language=None, height=420)
    else:
        st.caption("The log is empty: the job has said nothing yet.")


@frame.fragment
def _settings(db: Database, job_id: str) -> None:
    job = work.get(db, job_id)
    st.caption("The command that this run is")
    st.code("python -m cai_core " + " ".join(job.argv), language="bash", wrap_lines=True)
    left, right = st.columns(2)
    with left:
        st.caption("Made from")
        st.json(dict(job.config), expanded=2)
    with right:
        st.caption("What came out")
        for name, record in _records(queue.out_of(job)).items():
            st.markdown(f"**{name}**")
            st.json(record, expanded=1)
        if job.result:
            st.json(dict(job.result), expanded=1)
    st.caption(f"Submitted by {label(job.submitted_by or 'the command line')} · folder")
    st.code(str(queue.folder_of(job_id)), language=None)


def _records(out: Path) -> dict[str, Any]:
    """The run.json files of the models that this run trained, by the folder that holds each."""
    found = sorted(out.glob("run.json")) + sorted(out.glob("*/run.json"))
    return {path.parent.name: _read(path) for path in found}


def _read(path: Path) -> Any:
    """What a run.json says; while it is written it says nothing yet."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"unreadable": str(path)}


@frame.fragment
def _chat(db: Database, job_id: str) -> None:
    run_chat.show(db, work.get(db, job_id))


@frame.fragment
def _report(db: Database, job_id: str) -> None:
    path = queue.out_of(work.get(db, job_id)) / "report.html"
    if not path.exists():
        st.caption("The report comes with the end of the chain.")
        return
    page = path.read_bytes()
    st.download_button(
        "Download the report",
        page,
        file_name=f"report-{job_id}.html",
        mime="text/html",
        icon=":material/download:",
        key=f"report_{job_id}",
    )
    # A data: URL has an origin of its own: nothing in the page can reach the app.
    st.iframe(f"data:text/html;base64,{base64.b64encode(page).decode()}", height=900)


_TABS = {
    "Report": _report,
    "Curves": _curves,
    "Samples": _samples,
    "Rows": _rows,
    "Log": _log,
    "Settings and lineage": _settings,
    "Chat": _chat,
}
