"""The alarms of a run, with what to do, and what a judge that is not the reward model says over time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from cai_core.jobs import queue
from cai_core.store import work
from cai_core.train.watch.records import Alarm, Watch
from ui import cards, charts
from ui.plain import label


def watches(job: work.Job) -> dict[str, Watch]:
    """The watch folders of a run by stage; "" for a run of one stage. Only those that are there."""
    out = queue.out_of(job)
    places: dict[str, Path] = {"": out}
    if job.kind == "chain":
        places = {part: out / part for part in ("sft", "reward", "ppo")}
    return {
        name: watch for name, place in places.items() if (watch := Watch(place)).folder.is_dir()
    }


def count(job: work.Job) -> int:
    return sum(len(watch.alarms()) for watch in watches(job).values())


def show(job: work.Job) -> None:
    """Every alarm as a box of its own, the newest last; nothing where there is none."""
    for name, watch in watches(job).items():
        for alarm in watch.alarms():
            st.warning(sentence(alarm, name), icon=":material/notification_important:")


def sentence(alarm: Alarm, stage: str = "") -> str:
    r"""
    >>> sentence(Alarm("kl", 40, "KL is 12 nats an answer", "Raise kl coef."), "ppo")
    '**ppo, step 40** · KL is 12 nats an answer. Raise kl coef\\.'
    """
    reason = alarm.reason.rstrip(".")
    place = f"{stage}, step {alarm.step}" if stage else f"Step {alarm.step}"
    return f"**{place}** · {label(reason, limit=400)}. {label(alarm.remedy, limit=400)}"


def show_duels(watch: Watch, *, key: str) -> None:
    """The gain over the start, as a judge that is not the reward model sees it, beside the reward."""
    rows = [row for row in watch.duels() if row.get("gain")]
    if not rows:
        return
    st.markdown("**An independent judge: the policy against its start**")
    gains = {row["step"]: cards.estimate_of(row["gain"]) for row in rows}
    charts.band_curve(
        {step: gain for step, gain in gains.items() if gain.value == gain.value},
        title="gain (P better − ½)",
        even=0.0,
        key=f"{key}_duels",
    )
    last = rows[-1]
    st.caption(
        f"Step {last['step']}: {cards.estimate_text(gains[last['step']])} with its 90% interval,"
        f" n = {gains[last['step']].n} prompts; judge {label(str(last.get('judge', '–')))};"
        f" mean reward {_reward(last)}."
    )


def _reward(row: Mapping[str, Any]) -> str:
    value = row.get("reward")
    return f"{value:+.2f}" if isinstance(value, int | float) else "–"
