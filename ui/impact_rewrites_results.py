"""Comparisons of revisions: under way and finished, in numbers, side by side, and blind."""

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.impact.contrasts import TITLES, Contrast, contrasts, mean_similarity
from cai_core.impact.rewrite import Rewrite
from cai_core.impact.rewrites_report import (
    counts_words,
    difference_words,
    most_changed,
    p_words,
    refusal_turned,
    shown,
)
from cai_core.impact.rewrites_result import ASKS, Jury, RewriteImpact
from cai_core.jobs import ingest, queue
from cai_core.stats import Estimate
from cai_core.store import work
from ui import cards, charts, frame, impact_rewrites_blind, impact_rewrites_cards
from ui.clock import moment
from ui.impact_results import STOPPED, show_files
from ui.impact_rewrites_form import KIND
from ui.job_cards import card, rerun_where_one_ended
from ui.plain import label

PAGE = 10  # prompts drawn at once
RUNNING = "impact_rewrites_running"  # session state: ids of the jobs that ran when last looked at


def rows_so_far(job: work.Job) -> list[Rewrite]:
    """What the job has finished, whether it has ended or not."""
    out = queue.out_of(job)
    rows = ingest.rows_in(out.with_name(out.name + ".rows.jsonl"))
    return list({row["id"]: Rewrite.from_row(row) for row in rows}.values())


@frame.fragment(run_every="2s")
def show_now(db: Database) -> None:
    """Every comparison that runs or waits; the page is drawn anew when one has ended."""
    found = work.find(db, states=(*work.ACTIVE, "queued"), kinds=[KIND])
    rerun_where_one_ended(found, key=RUNNING)
    st.subheader("Now", anchor=False)
    if not found:
        st.caption("Nothing runs and nothing waits.")
    for job in found:
        card(job)
        some = rows_so_far(job)
        if some:
            st.caption(
                f"{len(some)} prompts so far, in random order. Cancel when you have seen enough: what"
                " is finished stays below."
            )


def show(db: Database) -> None:
    """Choose a comparison and read it; one that was stopped shows what it has."""
    jobs = work.find(db, states=("succeeded", *STOPPED), kinds=[KIND])
    some = {job.id: job for job in jobs if job.state == "succeeded" or rows_so_far(job)}
    if not some:
        st.caption("No comparison of revisions is finished yet. Start one above.")
        return
    chosen = st.selectbox(
        "Comparison",
        list(some),
        format_func=lambda id: f"{some[id].title} · {moment(some[id].created)} · {id[-6:]}",
        key="impact_rewrites_shown",
    )
    job = some[chosen]
    found = _read(job)
    rows = found.rows if found else tuple(rows_so_far(job))
    if found is None:
        st.info(
            f"Stopped after {len(rows)} prompts. Resume it on the runs page.",
            icon=":material/stop_circle:",
        )
    _show_tabs(job, found, rows)


def _show_tabs(job: work.Job, found: RewriteImpact | None, rows: Sequence[Rewrite]) -> None:
    """Only the open one is drawn: the keys of the blind comparison must not work beside it."""
    numbers, answers, blind = st.tabs(
        ["In numbers", "Side by side", "Blind A/B"],
        key=f"rewrites_tabs_{job.id}",
        on_change="rerun",
    )
    if numbers.open:
        with numbers:
            if found:
                _show_head(job, found)
            _show_numbers(found.contrasts if found else contrasts(rows), mean_similarity(rows))
            if found and found.jury:
                _show_judged(found, found.jury)
    if answers.open:
        with answers:
            _show_answers(rows, job.id)
    if blind.open:
        with blind:
            impact_rewrites_blind.show(job.id, rows)


def _read(job: work.Job) -> RewriteImpact | None:
    try:
        return RewriteImpact.from_row(json.loads(queue.out_of(job).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _show_head(job: work.Job, found: RewriteImpact) -> None:
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    with left:
        said = found.requested.sentence
        st.markdown(label(said[:1].upper() + said[1:], limit=400) + ".")
        given = f"{found.given} of {len(found.rows)} first answers were given"
        st.caption(f"Revised by {label(found.model)} · {given}")
        if found.failed:
            st.caption(f":orange[:material/warning:] {found.failed} prompts have no revision.")
    with right:
        show_files(job)


def _show_numbers(found: Sequence[Contrast], alike: Estimate) -> None:
    rows = [
        {
            "Answers that": TITLES[one.name],
            "First": shown(one.first, share=one.is_share),
            "Revised before": shown(one.old, share=one.is_share),
            "Revised after": shown(one.new, share=one.is_share),
            "Difference": difference_words(one),
            "McNemar's p": p_words(one),
        }
        for one in found
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Revisions before and after the edit")
    st.caption(
        f"The two revisions have {shown(alike, share=True)} of their words in common. Intervals are by"
        " prompt and not corrected for the number of rows. Two revisions differ by chance too: only a"
        " difference whose interval leaves out 0 tells of the edit."
    )


def _show_judged(found: RewriteImpact, jury: Jury) -> None:
    st.markdown("**The new revision against the old one, judged blind at equal length**")
    shares = {ASKS[name]: rate.estimate for name, rate in found.win_rates.items()}
    if not shares:
        st.caption("No pair of revisions could be judged.")
    elif jury.headline:
        for column, (asks, share) in zip(st.columns(2), shares.items(), strict=False):
            with column:
                cards.number(asks, share, percent=True)
        charts.interval_chart(shares, title="share won by the new revision", even=0.5)
    else:
        st.metric("The new revision wins", "–")
        st.caption("No share: a judge at chance that judges its own answers says nothing.")
    for name, rate in found.win_rates.items():
        st.caption(f"{ASKS[name]} {counts_words(rate)}.")
    if found.left_out:
        said = ", ".join(f"{n} {reason}" for reason, n in found.left_out.items())
        st.caption(f"Not judged: {said}.")
    tell = st.success if jury.independence.independent else st.warning
    tell(label(jury.independence.reason, limit=400))


@frame.fragment
def _show_answers(db: Database, rows: Sequence[Rewrite], job_id: str) -> None:
    told = most_changed(rows)
    told += [one for one in rows if one.revisions is None]
    turned = sum(map(refusal_turned, told))
    st.caption(
        f"The most changed first; in {turned} exactly one of the two revisions refuses. Compare blind"
        " before you read on here: what you have opened is no longer blind to you."
    )
    pages = (len(told) + PAGE - 1) // PAGE
    place = 1
    if pages > 1:
        place = st.number_input(f"Page, of {pages}", 1, pages, 1, key=f"rewrites_page_{job_id}")
    for one in told[(place - 1) * PAGE : place * PAGE]:
        impact_rewrites_cards.show(one, key=f"{job_id}_{one.id}")
