"""The calibration tab: whether the labels' confidence means what it says, and the temperature that makes it so."""

from typing import Any

import plotly.graph_objects as go
import streamlit as st
from sqlite_utils import Database

from cai_core.review.calibration import (
    Bin,
    Calibration,
    Heard,
    Temperature,
    apply,
    calibration,
    temperature,
)
from cai_core.stats import Estimate
from cai_core.store import temperatures
from cai_core.store.labels import JudgeUse
from ui import charts, frame
from ui.clock import moment
from ui.plain import label
from ui.quality_data import Quality
from ui.quality_words import nothing_reviewed


def show(db: Database, quality: Quality) -> None:
    heard = heard_of(quality)
    if not len(heard):
        nothing_reviewed()
        return
    raw, found, tempered = _computed(quality.mark, heard)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Does it mean what it says?", anchor=False)
        _diagram(raw, tempered)
    with right:
        _scores(raw, found)
        _temperature(db, quality.subject.use, found)


def heard_of(quality: Quality) -> Heard:
    """The labels' p_a and people's verdicts on the reviewed pairs that have both."""
    found = quality.sample
    p_a = found.rows.p_a
    there = p_a == p_a
    return Heard(p_a[there], found.people[there], found.reviewed.weight[there])


@st.cache_resource(max_entries=8, show_spinner=False)
def _computed(
    mark: tuple[Any, ...], _heard: Heard
) -> tuple[Calibration, Temperature | None, Calibration | None]:
    raw, found = calibration(_heard), temperature(_heard)
    if found is None:
        return raw, None, None
    return raw, found, calibration(tempered(_heard, found.value.value))


def tempered(heard: Heard, value: float) -> Heard:
    return Heard(apply(value, heard.p_a), heard.said, heard.weight)


def _diagram(raw: Calibration, tempered: Calibration | None) -> None:
    if not raw.bins:
        st.caption("–, fewer than 10 reviews: too few for a diagram.")
        return
    ink = charts.palette()[5]
    even = go.Scatter(
        x=[0.5, 1], y=[0.5, 1], mode="lines", line={"dash": "dot", "width": 1, "color": ink},
        name="would mean what it says", hoverinfo="skip",
    )  # fmt: skip
    shown = [_points(raw.bins, "as it is", 0)]
    if tempered is not None:
        shown.append(_points(tempered.bins, "with the temperature", 1))
    fig = charts.figure(even, *shown, height=360)
    fig.update_xaxes(title_text="P that the label is right, as it says", tickformat=".0%")
    fig.update_yaxes(title_text="agree with people", tickformat=".0%")
    charts.show(fig, alt=alt(raw.bins), key="quality_reliability")
    n = sum(one.right.n for one in raw.bins)
    st.caption(
        f"n = {n:,} reviewed pairs in {len(raw.bins)} bins of equal size; bars are 95% intervals."
    )


def _points(bins: tuple[Bin, ...], name: str, colour: int) -> go.Scatter:
    return go.Scatter(
        x=[one.stated for one in bins],
        y=[one.right.value for one in bins],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [one.right.high - one.right.value for one in bins],
            "arrayminus": [one.right.value - one.right.low for one in bins],
        },
        mode="markers",
        name=name,
        marker={"size": 9, "color": charts.palette()[colour]},
        text=[str(one.right) for one in bins],
        hovertemplate="says %{x:.0%}, agrees %{text}<extra></extra>",
    )


def alt(bins: tuple[Bin, ...]) -> str:
    """What the diagram shows, in words."""
    said = ", ".join(
        f"{one.stated:.0%} is {one.right.value:.0%} (n = {one.right.n})" for one in bins
    )
    return f"Stated confidence against agreement with people: {said}"


def _scores(raw: Calibration, found: Temperature | None) -> None:
    st.subheader("Scores", anchor=False)
    left, right = st.columns(2)
    with left:
        _score("Brier", raw.brier, "Mean squared error of p; lower is better.")
    with right:
        _score("Log loss", raw.log_loss, "Lower is better; a coin has 0.69.")
    if found is None:
        return
    with left:
        _score("With temperature", found.after, "Log loss, each T fitted without the review.")
    with right:
        _score("Gain", found.gain, "Log loss before less after: above 0 it helps.")


def _score(title: str, one: Estimate, note: str) -> None:
    """Three digits: what a temperature gains is small."""
    st.metric(title, f"{one.value:.3f}" if one.value == one.value else "–", help=note)
    ends = f"95% interval {one.low:.3f} to {one.high:.3f}" if one.low == one.low else "no interval"
    st.caption(f"{ends}, n = {one.n:,}")


def _temperature(db: Database, use: JudgeUse | None, found: Temperature | None) -> None:
    st.subheader("Temperature", anchor=False)
    if found is None:
        st.caption("–, fewer than 10 reviews: too few to fit one.")
        return
    st.markdown(words(found))
    if use is None:
        st.caption("Choose the judge setting above to use it; a frozen dataset stays as it is.")
        return
    standing = temperatures.standing(db, use)
    if standing is not None:
        who = f"{moment(standing.created)} by {label(standing.person)}"
        st.caption(
            f":material/check: In use: T = {standing.value:.2f}, fitted on n = {standing.n:,}, since {who}."
        )
    with st.container(horizontal=True):
        st.button(
            "Use this temperature",
            icon=":material/thermostat:",
            key="quality_temperature",
            disabled=standing is not None and standing.value == found.value.value,
            on_click=frame.callback(_use),
            args=(use, found.value.value, found.value.n),
            help="Curate then divides this judge's log-odds by it, in new datasets: their margins and"
            " soft labels change, their sides do not. No label is changed.",
        )
        if standing is not None:
            st.button(
                "Stop using it",
                icon=":material/undo:",
                key="quality_temperature_stop",
                type="tertiary",
                on_click=frame.callback(_stop),
                args=(use,),
            )


def words(found: Temperature) -> str:
    """What the temperature says of the judge."""
    t = found.value
    ends = f" ({t.low:.2f} to {t.high:.2f}, n = {t.n:,})" if t.low == t.low else f" (n = {t.n:,})"
    if t.low > 1:
        says = "The labels are too sure of themselves."
    elif t.high < 1:
        says = "The labels are less sure than they may be."
    else:
        says = "It cannot be told from 1: the labels may be as sure as they should be."
    return f"**T = {t.value:.2f}**{ends}. {says}"


def _use(db: Database, use: JudgeUse, value: float, n: int) -> None:
    temperatures.use(db, use, value, n=n, person=frame.person())


def _stop(db: Database, use: JudgeUse) -> None:
    temperatures.stop(db, use, person=frame.person())
