"""Plotly figures in the colours of the theme. Each is drawn with a text for who cannot see it."""

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from cai_core.stats import Estimate
from ui.plain import shorten

# The same values stand in .streamlit/config.toml, in this order.
_LIGHT = ("#0F6B62", "#B4560B", "#2A66A8", "#6E519E", "#9A7400", "#66716E", "#B3382C")
_DARK = ("#5CC4B8", "#E59A4F", "#7FB2EA", "#B79BE3", "#DDBB53", "#9AA8A4", "#F08A7E")


def palette() -> tuple[str, ...]:
    """Series colours of the mode that the browser shows; the first is A, the second is B."""
    return _DARK if st.context.theme.type == "dark" else _LIGHT


def figure(*traces: Any, height: int = 320, **layout: Any) -> go.Figure:
    """A figure in the house's layout: tight margins, legend on top, no title inside."""
    fig = go.Figure(data=list(traces))
    fig.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        colorway=palette(),
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"namelength": -1},
        bargap=0.35,
    )
    fig.update_xaxes(automargin=True)
    fig.update_yaxes(automargin=True)
    return fig.update_layout(**layout)


def show(fig: go.Figure, *, alt: str, key: str | None = None) -> None:
    """Draw a figure; `alt` says what it shows in a sentence."""
    st.plotly_chart(fig, width="stretch", key=key, alt=alt, config={"displayModeBar": False})


def vote_chart(
    votes: Mapping[str, float], *, before: Mapping[str, float] | None = None, key: str | None = None
) -> None:
    """Every principle's P(A is better) as a bar from one half: to the right for A, left for B."""
    if not votes:
        st.caption("No principle has voted.")
        return
    names = list(votes)[::-1]
    values = [votes[name] - 0.5 for name in names]
    colour_a, colour_b, *_ = palette()
    bars = go.Bar(
        x=values,
        y=names,
        orientation="h",
        base=0.5,
        marker_color=[colour_a if value >= 0 else colour_b for value in values],
        customdata=[votes[name] for name in names],
        hovertemplate="%{y}: P(A is better) = %{customdata:.2f}<extra></extra>",
        showlegend=False,
    )
    fig = figure(bars, *_earlier(before, names), height=90 + 28 * len(names))
    labels = [f"{shorten(name, 28)}  {votes[name]:.2f}" for name in names]
    fig.update_yaxes(tickvals=names, ticktext=labels)
    fig.update_xaxes(
        range=[-0.02, 1.02],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        ticktext=["B", "", "even", "", "A"],
        zeroline=False,
    )
    fig.add_vline(x=0.5, line_width=1, line_color=palette()[5])
    show(fig, alt=vote_sentence(votes), key=key)


def _earlier(before: Mapping[str, float] | None, names: Sequence[str]) -> list[go.Scatter]:
    if not before:
        return []
    there = [name for name in names if name in before]
    return [
        go.Scatter(
            x=[before[name] for name in there],
            y=there,
            mode="markers",
            name="saved version",
            marker={"symbol": "diamond-open", "size": 9, "color": palette()[5]},
            hovertemplate="%{y}, saved version: %{x:.2f}<extra></extra>",
        )
    ]


def vote_sentence(votes: Mapping[str, float]) -> str:
    """What a vote chart shows, in words.

    >>> vote_sentence({"kind": 0.8, "honest": 0.4, "safe": 0.5})
    'Of 3 principles, 1 leans to A, 1 to B, 1 even; the strongest is kind at 0.80'
    """
    for_a = sum(p > 0.5 for p in votes.values())
    for_b = sum(p < 0.5 for p in votes.values())
    strongest = max(votes, key=lambda name: abs(votes[name] - 0.5))
    return (
        f"Of {len(votes)} principles, {for_a} leans to A, {for_b} to B, "
        f"{len(votes) - for_a - for_b} even; the strongest is {strongest} at {votes[strongest]:.2f}"
    )


def metric_curves(
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    title: str,
    behind: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    x_title: str = "step",
    key: str | None = None,
) -> None:
    """Lines of (step, value) points, one a name; values that are not finite leave a gap.

    `behind` are the same lines as they are where `series` is smoothed: thin, in the same colours.
    """
    colours = dict(zip(series, cycle(palette()), strict=False))
    lines = [
        _line(name, points, colours[name], thin=True) for name, points in (behind or {}).items()
    ]
    lines += [_line(name, points, colours[name]) for name, points in series.items()]
    fig = figure(*lines, height=260, showlegend=len(series) > 1)
    fig.update_xaxes(title_text=x_title)
    fig.update_yaxes(title_text=title)
    show(fig, alt=curve_sentence(title, series), key=key)


def _line(
    name: str, points: Sequence[tuple[float, float]], colour: str, *, thin: bool = False
) -> go.Scatter:
    return go.Scatter(
        x=[x for x, _ in points],
        y=[_finite(y) for _, y in points],
        mode="lines+markers" if len(points) < 30 and not thin else "lines",
        name=name,
        line={"width": 1 if thin else 2, "color": colour},
        opacity=0.35 if thin else 1,
        marker={"size": 5},
        showlegend=False if thin else None,
        hoverinfo="skip" if thin else None,
    )


def curve_sentence(title: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """What the curves show, in words.

    >>> curve_sentence("loss", {"train": [(0, 2.0), (10, 1.25)]})
    'loss: train from 2 to 1.25 over 2 points'
    """
    told = [
        f"{name} from {points[0][1]:.4g} to {points[-1][1]:.4g} over {len(points)} points"
        for name, points in series.items()
        if points
    ]
    return f"{title}: {'; '.join(told) or 'no points yet'}"


def band_curve(
    points: Mapping[int, Estimate], *, title: str, even: float | None = None, key: str | None = None
) -> None:
    """An estimate by step as a line with its interval as a band; `even` draws a line."""
    steps = sorted(points)
    colour = palette()[0]
    ends = [(step, points[step].low, points[step].high) for step in steps]
    known = [(step, low, high) for step, low, high in ends if low == low and high == high]
    band = go.Scatter(
        x=[s for s, _, _ in known] + [s for s, _, _ in reversed(known)],
        y=[high for _, _, high in known] + [low for _, low, _ in reversed(known)],
        fill="toself",
        line={"width": 0},
        fillcolor=colour,
        opacity=0.2,
        hoverinfo="skip",
        showlegend=False,
    )
    line = go.Scatter(
        x=steps,
        y=[points[step].value for step in steps],
        mode="lines+markers",
        line={"width": 2, "color": colour},
        text=[str(points[step]) for step in steps],
        hovertemplate="step %{x}: %{text}<extra></extra>",
        showlegend=False,
    )
    fig = figure(band, line, height=260)
    fig.update_xaxes(title_text="step")
    fig.update_yaxes(title_text=title)
    if even is not None:
        fig.add_hline(y=even, line_width=1, line_dash="dot", line_color=palette()[5])
    told = "; ".join(f"step {step} {points[step]}" for step in (steps[:1] + steps[-1:]))
    show(fig, alt=f"{title}: {told or 'no points yet'}", key=key)


def interval_chart(
    rows: Mapping[str, Estimate], *, title: str, even: float | None = None, key: str | None = None
) -> None:
    """Estimates with their 95% intervals as dots with whiskers, one a row; `even` draws a line."""
    known = {name: e for name, e in rows.items() if _finite(e.value) is not None}
    if not known:
        st.caption("Nothing is measured yet.")
        return
    names = list(known)[::-1]
    dots = go.Scatter(
        x=[known[name].value for name in names],
        y=names,
        mode="markers",
        marker={"size": 10},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_reach(known[name].high - known[name].value) for name in names],
            "arrayminus": [_reach(known[name].value - known[name].low) for name in names],
        },
        text=[str(known[name]) for name in names],
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    fig = figure(dots, height=90 + 34 * len(names), showlegend=False)
    fig.update_xaxes(title_text=title)
    if even is not None:
        fig.add_vline(x=even, line_width=1, line_dash="dot", line_color=palette()[5])
    show(fig, alt=f"{title}: " + "; ".join(f"{n} {known[n]}" for n in known), key=key)


def _reach(width: float) -> float:
    return width if math.isfinite(width) else 0.0


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
