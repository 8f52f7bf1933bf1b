"""Comparisons under way: flips as they come, in random order, with a running interval."""

from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.impact.outcome import Judged
from cai_core.impact.people import without_locked
from cai_core.impact.plan import MAIN
from cai_core.impact.shifts import flip_share
from cai_core.jobs import ingest, queue
from cai_core.store import work
from ui import cards, frame, impact_cards, job_cards
from ui.job_cards import card

NEWEST = 3  # flips shown while it runs
SEEN = "impact_running"  # session state: ids of the jobs that ran when last looked at


@dataclass(frozen=True)
class SoFar:
    """What a job has judged; `sought` are ids of pairs that came first because they may well flip."""

    pairs: tuple[Judged, ...]
    sought: frozenset[str] = frozenset()

    @property
    def fair(self) -> list[Judged]:
        """Those that came in random order: a share of flips is counted with these alone."""
        return [one for one in self.pairs if one.pair.id not in self.sought]


def rows_so_far(job: work.Job) -> SoFar:
    """What the job has judged of its main part, finished or not; without verdicts on locked pairs."""
    out = queue.out_of(job)
    found: dict[str, Judged] = {}
    sought = set[str]()
    for row in ingest.rows_in(out.with_name(out.name + ".rows.jsonl")):
        if row.get("part") == MAIN and "judged" in row:
            one = without_locked(Judged.from_row(row["judged"]))
            found[row["id"]] = one
            if row.get("sought"):
                sought.add(one.pair.id)
    return SoFar(tuple(found.values()), frozenset(sought))


@frame.fragment(run_every="2s")
def show_now(db: Database) -> None:
    """Every comparison that runs or waits; the page is drawn anew when one has ended."""
    found = work.find(db, states=(*work.ACTIVE, "queued"), kinds=["impact"])
    job_cards.rerun_where_one_ended(found, key=SEEN)
    st.subheader("Now", anchor=False)
    if not found:
        st.caption("Nothing runs and nothing waits.")
    for job in found:
        card(job)
        _flips(job)


def _flips(job: work.Job) -> None:
    some = rows_so_far(job)
    if not some.pairs:
        return
    fair = some.fair
    cards.number(f"Flips of {len(fair)} pairs so far", flip_share(fair), percent=True)
    first = (
        f" {len(some.sought)} that may well flip came first and are not counted yet."
        if some.sought
        else ""
    )
    st.caption(
        f"Pairs come in random order, so this is a fair sample.{first} If you have seen enough, stop:"
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
    for one in [one for one in some.pairs if one.flip][-NEWEST:]:
        impact_cards.flip(one, key=f"live_{job.id}_{one.pair.id}")
