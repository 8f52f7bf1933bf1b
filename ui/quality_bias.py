"""The bias tab: what the judge leans to, and people on the same pairs do not."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.review.bias import Bias, differences, flip_share, leanings, position_bias
from cai_core.review.slant import Slant
from cai_core.store import measured, pairs
from ui import cards, charts
from ui.quality_data import Quality
from ui.quality_words import nothing_reviewed, signed_text

MOST_JUDGED = 20_000  # labels whose offset is read, evenly out of all
MOST_READ = 3_000  # reviewed pairs whose answers are read
_MEASURES = {"length": "Twice as long", "refusal": "A refusal", "list": "Twice as many list items"}


def show(db: Database, quality: Quality) -> None:
    if not len(quality.sample.judged):
        nothing_reviewed()
        return
    found = _computed(quality.mark, db, quality)
    st.subheader("The place that an answer stands in", anchor=False)
    left, right = st.columns(2)
    with left:
        cards.number(
            "Pull to the first place",
            found.offset,
            note="Median offset in log-odds; it is taken out of a label, which is asked both ways.",
        )
    with right:
        cards.number(
            "Verdicts that flip with the order",
            found.flips,
            percent=True,
            note="As asked, before the offset is taken out.",
        )
    if quality.subject.dataset is not None:
        st.caption("Rows of a dataset no longer say in which orders the judge was asked.")
    st.subheader("What the answers are like", anchor=False)
    if not len(quality.sample.reviewed):
        nothing_reviewed()
        return
    _table(found.slants)


@st.cache_resource(max_entries=8, show_spinner="Reading answers …")
def _computed(mark: tuple[Any, ...], _db: Database, _quality: Quality) -> Bias:
    offset, flipped = measured.offsets_at(_db, _orders(_quality))
    return Bias(position_bias(offset), flip_share(flipped), _slants(_db, _quality))


def _orders(quality: Quality) -> list[int]:
    """Labels, evenly out of all; none of a dataset, whose rows have no events."""
    events = quality.sample.judged.labels
    if quality.subject.dataset is not None:
        return []
    at = np.linspace(0, len(events) - 1, min(len(events), MOST_JUDGED)).astype(int)
    chosen: list[int] = events[at].tolist()
    return chosen


def _slants(db: Database, quality: Quality) -> dict[str, Slant]:
    found = quality.sample
    n = len(found.reviewed)
    at = np.linspace(0, n - 1, min(n, MOST_READ)).astype(int)
    rows = found.rows.where(at)
    numbers = rows.pairs.tolist()
    stored = pairs.by_seq(db, numbers)
    prompt_of = measured.prompts(db, numbers)
    ids = {text: place for place, text in enumerate(dict.fromkeys(prompt_of.values()))}
    return leanings(
        differences([stored[seq].pair for seq in numbers]),
        rows.sides,
        people=found.people[at],
        prompts=np.array([ids[prompt_of[seq]] for seq in numbers], dtype=np.int64),
        weight=found.reviewed.weight[at],
    )


def _table(slants: dict[str, Slant]) -> None:
    st.caption(
        "By how many log-odds an answer gains, others alike. That longer answers win is no bias by"
        " itself, since they may be better: what counts is the judge's number less people's on the same"
        " pairs."
    )
    rows = [
        {
            "Of an answer": _MEASURES[name],
            "Judge": signed_text(one.votes),
            "People": signed_text(one.people),
            "Judge less people": signed_text(one.gap),
            "p": f"{one.p:.2g}" if one.p == one.p else "–",
        }
        for name, one in slants.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Coefficients of judge and people")
    gaps = {_MEASURES[name]: one.gap for name, one in slants.items()}
    charts.interval_chart(gaps, title="judge less people, log-odds", even=0.0, key="quality_gaps")
