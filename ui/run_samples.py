"""What a run's model says as it learns: the same prompts at every look, with their rewards."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import streamlit as st

from cai_core.train.watch.records import Watch
from ui import cards, charts
from ui.plain import shorten

Looks = Sequence[Mapping[str, Any]]  # {step, rows}, in order of steps


def show(watch: Watch, *, key: str) -> None:
    """One prompt over time, or all prompts at one step."""
    looks = watch.samples()
    if not looks:
        st.caption("No samples yet: they come with the first look at dev prompts.")
        return
    _rewards(looks, key)
    way = st.segmented_control(
        "Show",
        ("One prompt over time", "All prompts at one step"),
        default="One prompt over time",
        required=True,
        key=f"{key}_way",
    )
    if way == "One prompt over time":
        _over_time(looks, key)
    else:
        _at_a_step(looks, key)


def _rewards(looks: Looks, key: str) -> None:
    scores = {look["step"]: [r["score"] for r in look["rows"] if _scored(r)] for look in looks}
    known = [(step, fmean(some)) for step, some in scores.items() if some]
    if known:
        charts.metric_curves(
            {"mean reward": known}, title="reward of these samples", key=f"{key}_rewards"
        )


def _over_time(looks: Looks, key: str) -> None:
    asked = [_asked(row) for row in looks[0]["rows"]]
    if not asked:
        st.caption("No prompt was asked.")
        return
    place = st.selectbox(
        "Prompt",
        range(len(asked)),
        format_func=lambda one: f"{one + 1}. {shorten(asked[one], 90)}",
        key=f"{key}_prompt",
    )
    there = [look for look in looks if place < len(look["rows"])]
    cards.answer("Prompt", asked[place])
    first, last = there[0], there[-1]
    left, right = st.columns(2)
    with left:
        _answer(first["rows"][place], f"At step {first['step']}")
    with right:
        _answer(last["rows"][place], f"At step {last['step']}")
    between = there[1:-1]
    if between:
        with st.expander(f"{len(between)} between", icon=":material/timeline:"):
            for look in between:
                _answer(look["rows"][place], f"At step {look['step']}")


def _at_a_step(looks: Looks, key: str) -> None:
    steps = [look["step"] for look in looks]
    step = steps[-1]
    if len(steps) > 1:
        step = st.select_slider("Step", steps, value=step, key=f"{key}_step")
    look = next(look for look in looks if look["step"] == step)
    for row in sorted(look["rows"], key=lambda row: -row["score"] if _scored(row) else 0.0):
        with st.container(border=True, gap="small"):
            st.text(shorten(_asked(row), 300))
            _answer(row, "")


def _answer(row: Mapping[str, Any], title: str) -> None:
    cards.answer(title, str(row.get("answer", "")), caption=said_of(row))


def said_of(row: Mapping[str, Any]) -> str:
    """The reward and how the answer ended.

    >>> said_of({"score": 1.25, "ended": False})
    'reward +1.25 · cut at its length limit'
    """
    said = [f"reward {row['score']:+.2f}" if _scored(row) else ""]
    said.append("cut at its length limit" if row.get("ended") is False else "")
    return " · ".join(filter(None, said))


def _asked(row: Mapping[str, Any]) -> str:
    """The last user turn."""
    turns = row.get("prompt") or []
    return str(turns[-1].get("content", "")) if turns else ""


def _scored(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("score"), int | float) and row["score"] == row["score"]
