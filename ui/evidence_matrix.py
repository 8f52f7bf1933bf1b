"""How alike the principles vote: the matrix, the effective number, who says the same, who contradicts."""

import math
from collections.abc import Callable, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from sqlite_utils import Database

from cai_core.evaluate.behind import opposed
from cai_core.evaluate.likeness import Couple, Likeness, likeness
from cai_core.schema import VoteTable
from ui import cards, charts
from ui.evidence_choice import Asked, tie_band
from ui.evidence_pairs import Behind, show_pairs
from ui.plain import shorten

_TOLD = 16  # characters of a principle's key along the axes
# Opposite, nothing in common, the same: deep enough in both themes for numbers to stand on them.
_SCALES = {
    "light": ("#B4560B", "#F1F2EE", "#0F6B62"),
    "dark": ("#B4560B", "#1D2422", "#13847A"),
}
_NUMBERED = 20  # principles up to which the cells have their number in them


def show_matrix(db: Database, asked: Asked, table: VoteTable) -> None:
    """Draw the matrix and what it says; the couple that is chosen, and its pairs."""
    with st.spinner("Counting…"):
        alike = likeness(table, tie_band=tie_band(table))
    if len(alike.keys) < 2:
        st.caption("One principle alone is like no other.")
        return
    keys = [f"evidence_{which}_{asked.id}" for which in ("one", "other")]
    _worth(alike)
    _heatmap(alike, keys, key=f"evidence_matrix_{asked.id}")
    left, right = st.columns(2, gap="medium")
    with left:
        _couples("Contradict each other", alike.contradicting, _NO_CONTRADICTION)
    with right:
        _couples("Say the same", alike.saying_the_same, _NONE_ALIKE)
    _pairs_behind(db, asked, table, alike, keys)


_NO_CONTRADICTION = "No two take opposite sides on more than half of the pairs, beyond chance."
_NONE_ALIKE = "No two correlate above 0.7 beyond doubt."


def _worth(alike: Likeness) -> None:
    cards.number(
        f"Independent votes that {len(alike.keys)} principles are worth",
        alike.effective,
        note="Their number squared over the sum of squared correlations, less what chance adds.",
    )


def _couples(title: str, found: Sequence[Couple], nothing: str) -> None:
    st.markdown(f"**{title}** ({len(found)})")
    if not found:
        st.caption(nothing)
        return
    rows = [
        {
            "Principles": f"{one.one} / {one.other}",
            "Opposite": cards.estimate_text(one.opposite, percent=True),
            "Correlation": cards.estimate_text(one.correlation),
            "n": one.opposite.n,
        }
        for one in found
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=_height(len(rows)), alt=title)


def _height(rows: int) -> int:
    return 38 + 35 * min(rows, 5)


# -- the chart


def _heatmap(alike: Likeness, keys: Sequence[str], *, key: str) -> None:
    names = [shorten(name, _TOLD) for name in alike.keys]
    numbers = list(range(len(names)))
    fig = charts.figure(
        _cells(alike), _places(alike), height=130 + 26 * len(names), showlegend=False
    )
    ticks = {"tickvals": numbers, "ticktext": names, "showgrid": False, "zeroline": False}
    end = len(names) - 0.5
    fig.update_xaxes(**ticks, tickangle=-45, range=[-0.5, end])
    fig.update_yaxes(**ticks, range=[end, -0.5])
    st.plotly_chart(
        fig,
        key=key,
        on_select=_take(key, keys, alike.keys),
        selection_mode="points",
        config={"displayModeBar": False},
        alt=matrix_sentence(alike),
    )
    st.caption(
        "Correlation of the votes' log-odds: green say the same, orange the opposite. Click on a cell"
        " for the pairs behind it."
    )


def _cells(alike: Likeness) -> go.Heatmap:
    against, middle, toward = _SCALES.get(st.context.theme.type or "", _SCALES["light"])
    shown = [["" if math.isnan(r) else f"{r:.1f}" for r in line] for line in alike.matrix.tolist()]
    return go.Heatmap(
        z=alike.matrix,
        text=shown,
        texttemplate="%{text}" if len(alike.keys) <= _NUMBERED else "",
        colorscale=[[0, against], [0.5, middle], [1, toward]],
        zmin=-1,
        zmax=1,
        hoverinfo="skip",
        showscale=False,
        xgap=1,
        ygap=1,
    )


def _places(alike: Likeness) -> go.Scatter:
    """Marks nobody sees, one a cell: a heatmap itself cannot be clicked on."""
    cells = [(i, j) for i in range(len(alike.keys)) for j in range(len(alike.keys)) if i != j]
    return go.Scatter(
        x=[j for _, j in cells],
        y=[i for i, _ in cells],
        customdata=[[i, j] for i, j in cells],
        text=[_told(alike, i, j) for i, j in cells],
        mode="markers",
        marker={"size": 20, "symbol": "square", "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate="%{text}<extra></extra>",
    )


def _told(alike: Likeness, i: int, j: int) -> str:
    return f"{alike.keys[i]} and {alike.keys[j]}: {cards.number_text(float(alike.matrix[i, j]))}"


def matrix_sentence(alike: Likeness) -> str:
    """What the matrix shows, in words."""
    known = [one for one in alike.couples if not math.isnan(one.correlation.value)]
    if not known:
        return f"Correlations of {len(alike.keys)} principles: too few pairs to tell any."
    most = max(known, key=lambda one: one.correlation.value)
    least = min(known, key=lambda one: one.correlation.value)
    return (
        f"Correlations of the votes of {len(alike.keys)} principles: highest {most.one} and"
        f" {most.other} at {most.correlation.value:.2f}, lowest {least.one} and {least.other} at"
        f" {least.correlation.value:.2f}"
    )


def _take(key: str, keys: Sequence[str], names: Sequence[str]) -> Callable[[], None]:
    """What a click on a cell does: its two principles are those whose pairs are shown."""

    def take() -> None:
        points = st.session_state[key]["selection"]["points"]
        for point in points[:1]:
            for widget, at in zip(keys, point["customdata"], strict=True):
                st.session_state[widget] = names[int(at)]

    return take


# -- the pairs


def _pairs_behind(
    db: Database, asked: Asked, table: VoteTable, alike: Likeness, keys: Sequence[str]
) -> None:
    st.subheader("Where two take opposite sides", anchor=False)
    first = _most_opposed(alike)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name, key in zip(first, keys, strict=True):
            st.session_state.setdefault(key, name)
        one, other = (
            st.selectbox(title, table.keys, key=key)
            for title, key in zip(("One", "and the other"), keys, strict=True)
        )
    if one == other:
        st.caption("Choose two different principles.")
        return
    found = next(c for c in alike.couples if {c.one, c.other} == {one, other})
    st.caption(_sentence(found))
    i, j = table.keys.index(one), table.keys.index(other)
    show_pairs(
        db,
        Behind(table, (i, j)),
        opposed(table, i, j, tie_band=tie_band(table)),
        nothing="They never take opposite sides.",
        key=f"{asked.id}_{i}_{j}",
    )


def _most_opposed(alike: Likeness) -> tuple[str, str]:
    known = [one for one in alike.couples if not math.isnan(one.opposite.value)]
    first = max(known or alike.couples, key=lambda one: one.opposite.value)
    return first.one, first.other


def _sentence(one: Couple) -> str:
    if math.isnan(one.opposite.value):
        return "Too few pairs have a vote of both."
    opposite = cards.estimate_text(one.opposite, percent=True)
    return (
        f"Opposite on {opposite} of {one.opposite.n} pairs (half would be chance),"
        f" correlation {cards.estimate_text(one.correlation)}."
    )
