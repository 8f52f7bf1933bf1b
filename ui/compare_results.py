"""Finished comparisons: the win rate with its interval, who judged, and the answers side by side."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.jobs import queue
from cai_core.schema import chat_from_row
from cai_core.store import work
from ui import cards, charts
from ui.plain import label

Result = Mapping[str, Any]


def finished(db: Database) -> dict[str, Result]:
    """Results by a readable name, newest first: of comparison jobs, and of chains."""
    found: dict[str, Result] = {}
    for job in work.find(db, states=["succeeded"], kinds=["winrate", "chain"]):
        for result in _results(job):
            found[f"{result['model_a']} against {result['model_b']} · {job.id}"] = result
    return found


def _results(job: work.Job) -> list[Result]:
    out = queue.out_of(job)
    path = out / "comparison.json" if job.kind == "chain" else out
    row = _read(path)
    return list(row.get("comparisons") or ([row] if row.get("rows") is not None else []))


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def show(db: Database) -> None:
    """Choose a finished comparison and read it."""
    found = finished(db)
    if not found:
        st.caption(
            "No comparison is finished yet. Start one above; training all three ends with two."
        )
        return
    name = st.selectbox("Comparison", list(found), key="compare_shown")
    result = found[name]
    _headline(result)
    _side_by_side(result, name)


def _headline(result: Result) -> None:
    """The win rate, or why there is none; who judged, always."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        if result.get("headline"):
            estimate = cards.estimate_of(result.get("estimate"))
            cards.number("A wins, ties half", estimate, percent=True)
            charts.interval_chart({"win rate of A": estimate}, title="win rate", even=0.5)
        else:
            st.metric("A wins, ties half", "–")
            st.caption("No headline: a judge at chance that judges itself says nothing.")
    with right:
        st.text(f"A: {result['model_a']}\nB: {result['model_b']}\nJudge: {result['judge']}")
        counts = ("wins", "ties", "losses", "failed")
        st.caption(" · ".join(f"{result.get(name, 0)} {name}" for name in counts))
        show_independence = st.success if result.get("independent") else st.warning
        said = result.get("independence") or "The judge's independence is not known."
        show_independence(label(said, limit=400))


def _side_by_side(result: Result, name: str) -> None:
    rows = result.get("rows") or []
    if not rows:
        st.caption("It holds no answers.")
        return
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    with left:
        place = st.number_input("Prompt", 1, len(rows), 1, key=f"compare_row_{name}")
    row = rows[place - 1]
    with right:
        p = row.get("p_a")
        worth = "–" if p is None else f"{p:.2f}"
        verdict = cards.verdict_text(row.get("verdict"))
        st.caption(f"of {len(rows)} · verdict: {verdict} · P(A is better) = {worth}")
    cards.conversation(chat_from_row(row["prompt"]))
    for column, side in zip(st.columns(2), ("a", "b"), strict=True):
        with column:
            cards.answer(f"Answer {side.upper()}", row.get(f"response_{side}") or "")
