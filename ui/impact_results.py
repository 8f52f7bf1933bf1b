"""Finished comparisons: what the edit changed, whether that is real, and every flip."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.impact.directions import DIRECTIONS
from cai_core.impact.effect import Effect
from cai_core.impact.outcome import Judged
from cai_core.impact.people import Against
from cai_core.impact.report import named, number, small
from cai_core.impact.result import Impact, verdict_sentence
from cai_core.impact.shifts import flip_share
from cai_core.jobs import queue
from cai_core.store import work
from ui import cards, frame, impact_cards, impact_live, impact_locked
from ui.clock import moment
from ui.plain import label

PAGE = 10  # flips drawn at once
STOPPED: tuple[work.State, ...] = ("cancelled", "interrupted", "failed")


def show(db: Database) -> None:
    """Choose a comparison and read it; one that was stopped shows what it has."""
    jobs = work.find(db, states=("succeeded", *STOPPED), kinds=["impact"])
    some = {
        job.id: job
        for job in jobs
        if job.state in ("succeeded", "failed") or impact_live.rows_so_far(job).pairs
    }
    if not some:
        st.caption("No comparison is finished yet. Start one above.")
        return
    chosen = st.selectbox(
        "Comparison",
        list(some),
        format_func=lambda id: f"{some[id].title} · {moment(some[id].created)} · {id[-6:]}",
        key="impact_shown",
    )
    job = some[chosen]
    found = _read(queue.out_of(job))
    if found is None:
        _show_stopped(job)
        return
    _show(db, job, found)


def _read(path: Path) -> Impact | None:
    try:
        return Impact.from_row(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _show_stopped(job: work.Job) -> None:
    some = impact_live.rows_so_far(job)
    if job.state == "failed":
        st.error(label(job.reason, limit=1000), icon=":material/error:")
    if not some.pairs:
        return
    st.info(
        f"Stopped after {len(some.pairs)} pairs. Resume it on the runs page, and it is told whether the shift is"
        " real.",
        icon=":material/stop_circle:",
    )
    cards.number("Verdicts that flip", flip_share(some.fair), percent=True)
    _show_flips([one for one in some.pairs if one.flip], key=job.id)


def _show(db: Database, job: work.Job, found: Impact) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        _show_verdict(found)
    with right:
        share = found.flip_share
        cards.number(f"{len(found.flips)} of {len(found.pairs)} verdicts flip", share, percent=True)
        show_files(job)
    directions, real, people = st.tabs(
        ["Which way", "Is it real?", "Against people"], key=f"impact_tabs_{job.id}"
    )
    with directions:
        _show_shifts(found)
    with real:
        _show_checks(found.checked)
    with people:
        _show_tune(db, job, found.tune)
        impact_locked.show(job.id)
    st.subheader("Flips", anchor=False)
    _show_flips(found.flips, key=job.id)


def _show_verdict(found: Impact) -> None:
    said = verdict_sentence(found)
    tell = st.success if found.checked and found.checked.effective else st.info
    tell(label(said[:1].upper() + said[1:], limit=400))
    asked = f"{found.cost.compared} questions to compare, {found.cost.full} in a full re-judge"
    st.caption(
        f"{label(found.judge['model'])} · {found.judge['method']} · {found.judge['principles']} ·"
        f" {label(found.template)} · {asked}"
    )
    if found.failed:
        st.caption(f":orange[:material/warning:] {found.failed} pairs have no verdict.")


def show_files(job: work.Job) -> None:
    """Buttons that download its report and its JSON."""
    out = queue.out_of(job)
    report = out.with_suffix(".html")
    with st.container(horizontal=True):
        for title, path, mime in (
            ("Report", report, "text/html"),
            ("JSON", out, "application/json"),
        ):
            if path.exists():
                st.download_button(
                    title,
                    path.read_bytes(),
                    file_name=f"{job.kind}-{job.id}{path.suffix}",
                    mime=mime,
                    icon=":material/download:",
                    key=f"impact_{title}_{job.id}",
                )


def _show_shifts(found: Impact) -> None:
    rows = [
        {
            "Of": named(shift),
            "Direction": DIRECTIONS[shift.direction],
            "Shift in log-odds": number(shift.estimate),
            "q": None if shift.q != shift.q else round(shift.q, 3),
        }
        for shift in found.table
    ]
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Mean shifts by principle and tag")
        st.caption(
            "Intervals are clustered by prompt and corrected for the number of rows; q is the false"
            " discovery rate at which a row would be told."
        )
    counts = [
        {"Flips": DIRECTIONS[name], "towards": one.towards, "away": one.away, "of pairs": one.pairs}
        for name, one in found.flip_counts.items()
    ]
    st.dataframe(pd.DataFrame(counts), hide_index=True, alt="Flips by direction")


def _show_checks(checked: Effect | None) -> None:
    if checked is None:
        st.caption(
            "This was not asked. Start the comparison again with **Ask whether it is real**."
        )
        return
    rows = [
        {
            "Direction": DIRECTIONS[name],
            "Shift in log-odds": number(one.estimate),
            "Excludes 0": _yes(one.excludes_zero),
            "Same sign in other words": _yes(one.sign_holds),
            "Shifts there": ", ".join(small(value) for value in one.paraphrases),
            "Beyond placebos": _yes(one.beyond_placebos),
            "95% of placebos within": small(one.placebo_bound),
        }
        for name, one in checked.directions.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="What makes a shift real, by direction")
    st.caption(
        f"Effective means all three, in one direction. {checked.placebos} placebo edits mean the same in"
        " other words; the edit must move the judge further than 95% of them."
    )


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _show_tune(db: Database, job: work.Job, found: Against) -> None:
    if not found.before.n:
        st.caption(
            "No pair of the tune half has a person's verdict. Review some blind, then compare again."
        )
        return
    impact_locked.show_against(found)
    states = _compared(db, job)
    if states > 1:
        st.caption(
            f"{states} states of this constitution were compared on pairs that people judged and that are"
            " among these: the more, the better the best one looks by luck alone."
        )


def _compared(db: Database, job: work.Job) -> int:
    """How many different states of this constitution were held against some of the same verdicts."""
    name, reviewed = _state(job)[0], set(job.config.get("reviewed") or ())
    states = {
        _state(other)
        for other in work.find(db, kinds=["impact"])
        if _state(other)[0] == name and reviewed & set(other.config.get("reviewed") or ())
    }
    return len(states)


def _state(job: work.Job) -> tuple[str, str]:
    """Name and hash of the constitution after the edit."""
    row = job.config.get("constitution") or {}
    return str(row.get("name")), str(row.get("hash"))


@frame.fragment
def _show_flip_page(db: Database, flips: Sequence[Judged], key: str) -> None:
    pages = (len(flips) + PAGE - 1) // PAGE
    place = 1
    if pages > 1:
        place = st.number_input(f"Page, of {pages}", 1, pages, 1, key=f"flips_{key}")
    for one in flips[(place - 1) * PAGE : place * PAGE]:
        impact_cards.flip(one, key=f"{key}_{one.pair.id}")


def _show_flips(flips: Sequence[Judged], *, key: str) -> None:
    if not flips:
        st.caption("No verdict flips.")
        return
    st.caption(
        "Those against a person's verdict come first, and of these the ones that the edit did not"
        " mean to change."
    )
    _show_flip_page(flips, key)
