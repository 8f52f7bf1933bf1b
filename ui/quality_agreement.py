"""The agreement tab: how far people agree among themselves, with the labels by queue, and when they see them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.review.alpha import alpha
from cai_core.review.anchoring import Anchoring
from cai_core.review.sampled import measuring
from cai_core.review.spoken import anchored, by_queue
from cai_core.stats import Estimate
from ui import cards, charts, menu
from ui.quality_data import Quality
from ui.quality_words import nothing_reviewed, share_text

QUEUES = {
    "even": "even",
    "useful": "most useful",
    "disagreements": "disagreements",
    "filter": "by filter",
    "adjudication": "adjudication",
    "again": "ask again",
    "opened": "opened by hand",
    "": "not recorded",
}


@dataclass(frozen=True)
class Found:
    nominal: Estimate
    ordinal: Estimate
    queues: dict[str, Estimate]
    anchoring: Anchoring


def show(db: Database, quality: Quality) -> None:
    said = quality.readings.verdicts
    if not np.isin(said.pairs, quality.sample.judged.pairs).any():
        nothing_reviewed()
        return
    found = _computed(quality.mark, quality)
    _people(quality.sample.human_human, found)
    _queues(found.queues)
    _anchoring(found.anchoring)


@st.cache_resource(max_entries=8, show_spinner=False)
def _computed(mark: tuple[Any, ...], _quality: Quality) -> Found:
    judged, said = _quality.sample.judged, _quality.readings.verdicts
    counts = measuring(judged.pairs, said).counts
    return Found(
        alpha(counts),
        alpha(counts, metric="ordinal"),
        by_queue(judged, said),
        anchored(judged, said),
    )


def _people(between: Estimate, found: Found) -> None:
    st.subheader("People among themselves", anchor=False)
    columns = st.columns(3)
    with columns[0]:
        cards.number(
            "Two people agree", between, percent=True, note="A tie against a side is half."
        )
    with columns[1]:
        cards.number(
            "Krippendorff's alpha",
            found.nominal,
            note="Agreement beyond chance: 1 is perfect, 0 is chance. a, tie and b are three names.",
        )
    with columns[2]:
        cards.number(
            "Alpha, ordinal", found.ordinal, note="The same, where a tie lies between a and b."
        )
    if not between.n:
        st.caption(
            "No pair was read blind by two people yet. One pair in ten goes to two, where several review"
            " from the queues **even** and **most useful**."
        )
        menu.link("review", "Review pairs")
    st.caption("Cohen's kappas stand in the export of the labels.")


def _queues(queues: dict[str, Estimate]) -> None:
    st.subheader("With the labels, by queue", anchor=False)
    if not queues:
        st.caption("–, no first blind verdict has a side yet.")
        return
    rows = [
        {"Queue": QUEUES.get(name, name), "Agree with the labels": share_text(one)}
        for name, one in queues.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Agreement with the labels by queue")
    st.caption(
        "Not weighed: a queue of hard pairs says nothing of the others. The certificate is what holds for"
        " all."
    )


def _anchoring(found: Anchoring) -> None:
    st.subheader("With the judgement in sight", anchor=False)
    if not found.sighted.n:
        st.caption("–, no verdict was given with the judgement in sight.")
        return
    rows = {"first blind verdicts": found.blind, "with the judgement in sight": found.sighted}
    charts.interval_chart(rows, title="share of agreement", even=0.5, key="quality_anchoring")
    st.caption(excess_words(found.excess))


def excess_words(excess: Estimate) -> str:
    """
    >>> excess_words(Estimate(0.12, 0.05, 0.19, 40))
    'With the judgement in sight people agree with it by 12 points more (+5 to +19, n = 40 sighted verdicts).'
    """
    if excess.low != excess.low:
        return f"How much more they agree then cannot be told yet: –, n = {excess.n:,}."
    more = "more" if excess.value >= 0 else "less"
    return (
        f"With the judgement in sight people agree with it by {100 * abs(excess.value):.0f} points {more}"
        f" ({100 * excess.low:+.0f} to {100 * excess.high:+.0f}, n = {excess.n:,} sighted verdicts)."
    )
