"""Comparisons under way: flips as they come, in random order, with a running interval."""

import json
from pathlib import Path

import streamlit as st
from sqlite_utils import Database

from cai_core.impact.outcome import Judged
from cai_core.impact.people import without_locked
from cai_core.impact.plan import MAIN
from cai_core.impact.shifts import flip_share
from cai_core.jobs import queue
from cai_core.store import work
from ui import cards, frame, impact_cards, job_cards
from ui.job_cards import card

NEWEST = 3  # flips shown while it runs
SEEN = "impact_running"  # session state: ids of the jobs that ran when last looked at


def rows_so_far(job: work.Job) -> list[Judged]:
    """What the job has judged of its main part, finished or not; without verdicts on locked pairs."""
    out = queue.out_of(job)
    rows = out.with_name(out.name + ".rows.jsonl")
    part = rows.with_name(rows.name + ".part")
    found: dict[str, Judged] = {}
    for line in lines(part if part.exists() else rows):
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the last line, while it is being written
        if row.get("part") == MAIN and "judged" in row:
            found[row["id"]] = without_locked(Judged.from_row(row["judged"]))
    return list(found.values())


def lines(path: Path) -> list[str]:
    """Of a file of rows; none where it is not there yet."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


@frame.fragment(run_every="2s")
def show_now(db: Database) -> None:
    """Every comparison that runs or waits; the page is drawn anew when one has ended."""
    found = work.find(db, states=(*work.ACTIVE, "queued"), kinds=["impact"])
    ids = [job.id for job in found]
    before = st.session_state.get(SEEN, ids)
    st.session_state[SEEN] = ids
    if set(before) - set(ids):
        st.rerun()
    st.subheader("Now", anchor=False)
    if not found:
        st.caption("Nothing runs and nothing waits.")
    for job in found:
        card(job)
        _flips(job)


def _flips(job: work.Job) -> None:
    some = rows_so_far(job)
    if not some:
        return
    cards.number(f"Flips of {len(some)} pairs so far", flip_share(some), percent=True)
    st.caption(
        "Pairs come in random order, so this is a fair sample. If you have seen enough, stop:"
        " what was judged stays below."
    )
    st.button(
        "Stop, I have seen enough",
        key=f"enough_{job.id}",
        icon=":material/stop:",
        disabled=job.state == "stopping",
        on_click=frame.callback(job_cards.cancel),
        args=(job.id,),
    )
    for one in [one for one in some if one.flip][-NEWEST:]:
        impact_cards.flip(one, key=f"live_{job.id}_{one.pair.id}")
