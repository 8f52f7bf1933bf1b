"""What the last jobs made: a few rows of each, and where to read them all."""

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.feedback.findings import Findings
from cai_core.store import labels, pairs, revisions, work
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter
from cai_core.store.revisions import RevisionFilter
from cai_core.store.work import Job
from ui import cards, frame, generate_beats, generate_edges_results, job_cards, menu
from ui.plain import label, shorten

KINDS = ("prompts", "revise", "sample-pairs", "judge")
LIVE = (*KINDS, generate_beats.KIND)
JOBS = 5
SAMPLES = 5
_TEXTS = ("Prompt", "First answer", "Revised", "A", "B")

_Rows = list[dict[str, str]]


@frame.fragment(run_every="5s")
def show(db: Database) -> None:
    st.subheader("What came out", anchor=False)
    ended = work.find(db, states=work.ENDED, kinds=KINDS, limit=JOBS)
    if not ended:
        st.caption("Nothing has finished yet. Choose above what to make, and start it.")
        return
    for job in ended:
        _job(db, job)


def _job(db: Database, job: Job) -> None:
    seconds = job_cards.seconds_between(job.started, job.ended)
    words = f"{label(job.title)} · {job.state} · {job_cards.duration(seconds)}"
    panel = st.expander(words, key=f"made_{job.id}", on_change="rerun")
    if not panel.open:
        return
    with panel:
        with st.container(horizontal=True, vertical_alignment="center"):
            cards.state(job.state)
            st.caption(job_cards.progress_words(job.progress, seconds), width="stretch")
            job_cards.actions(job)
        if job.reason:
            st.caption(label(job.reason, limit=400))
        if found := _findings(job):
            st.caption(" · ".join(label(sentence, limit=300) for sentence in found))
        job_cards.failures(job)
        if job.kind == "prompts":
            generate_edges_results.show(job)
            return
        rows = _SAMPLES[job.kind](db, job.id)
        if rows:
            alt = f"The first rows of {shorten(job.title, 60)}"
            st.dataframe(
                pd.DataFrame(rows),
                hide_index=True,
                alt=alt,
                key=f"rows_{job.id}",
                column_config=dict.fromkeys(_TEXTS, st.column_config.TextColumn(width="medium")),
            )
            menu.link(
                "review", "Read the revisions" if job.kind == "revise" else "Review the pairs"
            )
            if job.kind == "revise":
                generate_beats.show(db, job)
        else:
            st.caption("It left no rows.")


def _findings(job: Job) -> list[str]:
    """What a judging job showed as a whole: how much its votes are worth, how its panel got on."""
    return Findings.from_row(job.result).sentences if job.kind == "judge" else []


def _revisions(db: Database, job: str) -> _Rows:
    found = revisions.find(db, RevisionFilter(job=job), limit=SAMPLES)
    return [
        {
            "Prompt": shorten(item.revision.prompt[-1].content, 160),
            "First answer": shorten(item.revision.initial, 200),
            "Revised": shorten(item.revision.final, 200),
        }
        for item in found
    ]


def _pairs(db: Database, job: str) -> _Rows:
    found = pairs.find(db, PairFilter(job=job), limit=SAMPLES)
    return [
        {
            "Prompt": shorten(item.pair.prompt[-1].content, 160),
            "A": shorten(item.pair.response_a, 200),
            "B": shorten(item.pair.response_b, 200),
        }
        for item in found
    ]


def _labels(db: Database, job: str) -> _Rows:
    found = labels.standing(db, LabelFilter(job=job), limit=SAMPLES)
    return [
        {
            "Prompt": shorten(item.label.pair.prompt[-1].content, 160),
            "Verdict": cards.verdict_text(item.label.verdict),
            "P(A is better)": "–" if item.label.p_a is None else f"{item.label.p_a:.2f}",
            "A": shorten(item.label.pair.response_a, 120),
            "B": shorten(item.label.pair.response_b, 120),
        }
        for item in found
    ]


_SAMPLES = {"revise": _revisions, "sample-pairs": _pairs, "judge": _labels}
