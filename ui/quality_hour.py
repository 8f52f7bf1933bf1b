"""The tab on the last hour: what this person's reviews did, and what to look at next."""

import math
import time
from typing import Any

import numpy as np
import streamlit as st
from sqlite_utils import Database

from cai_core.review.certificate import Certificate
from cai_core.review.hour import Hour, hour
from cai_core.review.spoken import first_said, seconds
from ui import cards, frame, menu
from ui.quality_data import Quality
from ui.quality_words import begun, nothing_reviewed

HOUR = 3600


def show(db: Database, quality: Quality) -> None:
    if not len(quality.sample.reviewed):
        nothing_reviewed()
        return
    everybody = st.toggle("Everybody's reviews", key="quality_everybody")
    minute = int(time.time() // 60)
    who = "" if everybody else frame.person()
    found = _computed((*quality.mark, who, minute), quality, who)
    given = _given(quality, who, since=60 * minute - HOUR)
    if not found.reviews:
        whose = "Nobody" if everybody else "You"
        st.markdown(
            f"**{whose} reviewed none of these pairs blind in the last hour.**"
            + (f" {given:,} other verdicts were given." if given else "")
        )
        menu.link("review", "Review pairs")
        _next(found)
        return
    columns = st.columns(4)
    for column, (title, value, note) in zip(columns, _numbers(found, given), strict=True):
        with column:
            st.metric(title, value)
            st.caption(note)
    _next(found)


@st.cache_resource(max_entries=8, show_spinner=False)
def _computed(mark: tuple[Any, ...], _quality: Quality, who: str) -> Hour:
    found, verdicts = _quality.sample, _quality.readings.verdicts
    said = first_said(found.rows.pairs, verdicts)
    mine = np.ones(len(said.people), dtype=bool)
    if who:
        mine = said.people == (verdicts.names.index(who) if who in verdicts.names else -1)
    return hour(found.population, found.reviewed, said, since=60.0 * mark[-1] - HOUR, mine=mine)


def _given(quality: Quality, who: str, *, since: float) -> int:
    """All verdicts of the hour, those too that do not measure."""
    said = quality.readings.verdicts
    mine = np.array([not who or name == who for name in said.names], dtype=bool)
    recent = seconds(said) >= since
    return int((recent & mine[said.people]).sum()) if len(said) else 0


def _numbers(found: Hour, given: int) -> tuple[tuple[str, str, str], ...]:
    pace = "–" if math.isnan(found.per_hour) else f"{found.per_hour:.0f}"
    return (
        (
            "Width of the interval",
            f"{_points(found.before)} → {_points(found.after)}",
            f"points; n = {found.before.n:,} before, {found.after.n:,} now",
        ),
        (
            "Labels repaired",
            f"{found.repaired:g}",
            f"of n = {found.reviews:,} reviewed; ties are half",
        ),
        ("Pairs an hour", pace, f"n = {found.timed:,} given one by one, pauses counted"),
        ("Verdicts in all", f"{given:,}", "those too that do not measure"),
    )


def _points(one: Certificate) -> str:
    """
    >>> _points(Certificate(0.5, 0.4, 0.625, 9, 90))
    '22.5'
    """
    return cards.number_text(math.nan) if math.isnan(one.width) else f"{100 * one.width:.1f}"


def _next(found: Hour) -> None:
    st.subheader("What to look at next", anchor=False)
    look = found.look
    if look is None:
        st.caption("Nothing is left that would make the certificate surer.")
        return
    where = (
        f"labels with a confidence of {look.low:.0%} to {look.high:.0%}"
        if look.low == look.low
        else "labels without a confidence"
    )
    st.markdown(
        f"**{begun(where)}**: {look.size:,} of them, {look.estimate.n:,} reviewed. They make"
        f" {look.share_of_width:.0%} of the interval's width. The queue **most useful** brings unsure"
        " ones up more often, and keeps the certificate right."
    )
    menu.link("review", "Review from the queue “most useful”")
