"""How many more reviews a wanted width takes, whether the labels pass a bar for sure, and where they are wrong."""

import math
from typing import Any

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.review.certificate import Certificate, Stratum, reviews_needed
from cai_core.review.gate import Gate, gate
from ui import cards, charts, menu
from ui.quality_data import Quality, certificate_of
from ui.quality_words import nothing_reviewed, share_text

WIDTH, BAR = "quality_width", "quality_bar"
FIRST_WIDTH = 10  # points from end to end, when the page is opened
# Labels that agree with people less often than this teach a reward model hardly anything.
FIRST_BAR = 55


def show(db: Database, quality: Quality) -> None:
    found = certificate_of(quality)
    if not found.n:
        nothing_reviewed()
        return
    left, right = st.columns(2, gap="large")
    with left:
        _needed(found)
    with right:
        _gate(quality)
    _by_confidence(found)


def _needed(found: Certificate) -> None:
    st.subheader("How many more reviews?", anchor=False)
    width = st.slider(
        "Width of the interval, in points from end to end",
        2,
        40,
        FIRST_WIDTH,
        key=WIDTH,
        persist_state="session",
    )
    needed = reviews_needed(found, width=width / 100)
    st.markdown(needed_words(found, needed))
    if needed is None or needed > found.n:
        menu.link("review", "Review more")


def needed_words(found: Certificate, needed: int | None) -> str:
    now = f"It is {100 * found.width:.1f} points wide now, after {found.n:,}"
    if needed is None:
        return "Two reviews are needed before this can be told."
    if needed <= found.n:
        return f"{now}: narrow enough."
    return f"**{needed - found.n:,} more**, {needed:,} in all, drawn as these were. {now}."


def _gate(quality: Quality) -> None:
    st.subheader("Is it surely better than …?", anchor=False)
    st.slider(
        "Bar, in percent of labels that agree",
        50,
        99,
        FIRST_BAR,
        key=BAR,
        persist_state="session",
        help="This bound holds however often one looks, so reviewing may stop when it passes. The"
        " interval of the certificate is right for one look only.",
    )
    found = gate_of(quality)
    st.markdown(gate_words(found))
    if len(found.bounds):
        _sequence(found)


def gate_of(quality: Quality) -> Gate:
    """At the bar that is chosen."""
    return _gate_of(quality.mark, st.session_state.get(BAR, FIRST_BAR) / 100, quality)


def needed_plainly(found: Certificate) -> str:
    """How many reviews the chosen width takes, as plain text."""
    width = st.session_state.get(WIDTH, FIRST_WIDTH)
    said = needed_words(found, reviews_needed(found, width=width / 100)).replace("**", "")
    return f"For an interval {width} points wide: {said}"


@st.cache_resource(max_entries=32, show_spinner=False)
def _gate_of(mark: tuple[Any, ...], bar: float, _quality: Quality) -> Gate:
    return gate(_quality.sample.population, _quality.sample.reviewed, bar=bar)


def gate_words(found: Gate) -> str:
    """What the gate says, in a plain sentence."""
    bound = cards.number_text(found.bound, percent=True)
    bar = f"{found.bar:.0%}"
    if found.passed:
        return (
            f":material/check_circle: **Yes.** After {found.at:,} of {found.n:,} reviews it was sure that"
            f" more than {bar} of the labels agree with people; the lower bound is {bound} now. You may"
            " stop, however often you looked."
        )
    return (
        f":material/pending: **Not yet.** After {found.n:,} reviews at least {bound} agree for sure, and"
        f" the bar is {bar}. Reviewing on and looking again is allowed."
    )


def _sequence(found: Gate) -> None:
    import plotly.graph_objects as go

    n = len(found.bounds)
    step = max(1, n // 400)
    at = [*range(0, n, step), n - 1]
    line = go.Scatter(
        x=[one + 1 for one in at],
        y=[float(found.bounds[one]) for one in at],
        mode="lines",
        name="lower bound",
        hovertemplate="after %{x} reviews: at least %{y:.1%}<extra></extra>",
    )
    fig = charts.figure(line, height=200, showlegend=False)
    fig.add_hline(y=found.bar, line_width=1, line_dash="dot", line_color=charts.palette()[5])
    fig.update_xaxes(title_text="reviews")
    fig.update_yaxes(title_text="surely at least", tickformat=".0%")
    says = f"The lower bound after each of {n} reviews; it ends at {found.bound:.0%}"
    charts.show(fig, alt=f"{says}, the bar is {found.bar:.0%}", key="quality_sequence")


def _by_confidence(found: Certificate) -> None:
    st.subheader("By how sure the labels are", anchor=False)
    if not found.strata:
        st.caption("–")
        return
    table = pd.DataFrame([_row(one) for one in found.strata])
    st.dataframe(table, hide_index=True, alt="Agreement by how sure the labels are")
    st.caption(
        "Share of the width: where more reviews would narrow the interval most."
        " The queue **most useful** goes there by itself."
    )


def _row(one: Stratum) -> dict[str, str]:
    return {
        "How sure the label is": f"{_share(one.low)} to {_share(one.high)}",
        "Labels": f"{one.size:,}",
        "Agree with people": share_text(one.estimate),
        "Share of the width": _share(one.share_of_width),
    }


def _share(value: float) -> str:
    return f"{value:.0%}" if math.isfinite(value) else "–"
