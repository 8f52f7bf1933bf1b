"""Sliders and switches that compute every label anew from its stored votes, with no model call."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from sqlite_utils import Database

from cai_core.evaluate.reweigh import Reweighed, reweigh, unexplained
from cai_core.schema import Principle, VoteTable
from ui import cards, frame
from ui.draft import Draft, change, current
from ui.evidence_choice import Asked, tie_band
from ui.plain import label, shorten

NEWS = "evidence_news"  # session state: what was put into the draft, until it was told
_SAME = "The draft has these weights already."
_CHANGED = "The weights are in the draft; save it to make it the newest version."
_FEWEST = 3.0  # where a slider ends at least


@dataclass(frozen=True)
class Knob:
    """A principle's slider and switch: where they begin, and why they cannot be moved."""

    key: str
    weight: float
    enabled: bool
    why: str = ""
    note: str = ""


@frame.fragment
def show(db: Database, asked: Asked, draft: Draft) -> None:
    """Draw a slider and a switch a principle, and what the labels become."""
    table = asked.table(db)
    knobs = _knobs(asked, draft, table)
    if asked.why:
        why = label(asked.why, limit=300)
        st.warning(f"These labels cannot be computed again: {why}.", icon=":material/block:")
    result = st.container()
    chosen = _draw(asked, knobs)
    with result:
        if not asked.why:
            _result(asked, table, chosen)
        _buttons(asked, chosen)


def _knobs(asked: Asked, draft: Draft, table: VoteTable) -> list[Knob]:
    """One a principle of the draft, in its order; then those that voted and are gone from it."""
    voted = set(asked.keys or table.keys)
    drafted = {p.key: p for _, p in draft.rows}
    knobs = [_knob(asked, p, voted) for p in drafted.values()]
    gone = [key for key in table.keys if key not in drafted]
    return knobs + [
        Knob(key, _weight(asked, key), False, asked.why, "not in the draft") for key in gone
    ]


def _knob(asked: Asked, principle: Principle, voted: set[str]) -> Knob:
    why, note = asked.why, ""
    if principle.key not in voted:
        why = why or "it had no vote here; have pairs judged under a version with it"
    elif asked.rules and asked.rules.principle(principle.key).text != principle.text:
        note = "reworded in the draft since: its votes are of the old wording"
    return Knob(principle.key, principle.weight, principle.enabled, why, note)


def _weight(asked: Asked, key: str) -> float:
    found = {p.key: p.weight for p in asked.rules.principles} if asked.rules else {}
    return found.get(key, 1.0)


def _draw(asked: Asked, knobs: list[Knob]) -> dict[str, tuple[bool, float]]:
    """What is chosen, by principle: whether it is enabled, and its weight; those that can be moved."""
    chosen: dict[str, tuple[bool, float]] = {}
    most = max(_FEWEST, *(2 * knob.weight for knob in knobs)) if knobs else _FEWEST
    columns = st.columns(2, gap="large")
    half = -(-len(knobs) // 2)
    for at, knob in enumerate(knobs):
        with columns[at // half]:
            found = _one(asked, knob, most)
        if not knob.why:
            chosen[knob.key] = found
    return chosen


def _one(asked: Asked, knob: Knob, most: float) -> tuple[bool, float]:
    names = _names(asked, knob.key)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        enabled = st.toggle(
            label(shorten(knob.key, 26)),
            value=knob.enabled,
            key=names[0],
            disabled=bool(knob.why),
            help=_help(knob),
            width=230,
        )
        weight = st.slider(
            f"Weight of {label(knob.key)}",
            0.0,
            float(most),
            value=float(knob.weight),
            step=0.05,
            key=names[1],
            disabled=bool(knob.why) or not enabled,
            label_visibility="collapsed",
        )
    return enabled, weight


def _names(asked: Asked, key: str) -> tuple[str, str]:
    return f"evidence_on_{asked.id}_{key}", f"evidence_weight_{asked.id}_{key}"


def _help(knob: Knob) -> str | None:
    said = knob.why or knob.note
    return label(said[:1].upper() + said[1:] + ".", limit=300) if said else None


def _weights(table: VoteTable, chosen: Mapping[str, tuple[bool, float]]) -> list[float]:
    known = {key: weight if on else 0.0 for key, (on, weight) in chosen.items()}
    return [known.get(key, 0.0) for key in table.keys]


def _result(asked: Asked, table: VoteTable, chosen: Mapping[str, tuple[bool, float]]) -> None:
    weights, band = np.array(_weights(table, chosen)), tie_band(table)
    made = reweigh(table, weights, tie_band=band)
    _numbers(table, made)
    judged = asked.weights(table)
    odd = 0 if judged is None else unexplained(table, judged, tie_band=band)
    if odd:
        st.caption(
            f":orange[:material/help:] {odd} of these labels have another verdict than their votes and"
            " weights give: they were made otherwise, for example with another tie band."
        )


def _numbers(table: VoteTable, made: Reweighed) -> None:
    flipped = int(made.flipped.sum())
    first, second, third, fourth = st.columns(4)
    with first:
        cards.number("Verdicts that turn", made.flips, percent=True)
    with second:
        cards.number("Agreement as judged", made.before, percent=True)
    with third:
        cards.number("Agreement with these", made.after, percent=True)
    with fourth:
        cards.number("Difference in points", made.change, points=True)
    lost = f", {made.lost} of them to no verdict at all" if made.lost else ""
    st.caption(f"{flipped} of {made.flips.n} verdicts turn{lost}. No model was asked.")


def _buttons(asked: Asked, chosen: Mapping[str, tuple[bool, float]]) -> None:
    with st.container(horizontal=True):
        if st.button(
            "Put these weights into the draft",
            key=f"evidence_put_{asked.id}",
            type="primary",
            icon=":material/edit:",
            disabled=bool(asked.why) or not any(on for on, _ in chosen.values()),
        ):
            put_into_draft(chosen)
        st.button(
            "Back to the weights as judged",
            key=f"evidence_back_{asked.id}",
            type="tertiary",
            disabled=bool(asked.why),
            on_click=_back,
            args=(asked, list(chosen)),
        )


def _back(asked: Asked, keys: list[str]) -> None:
    assert asked.rules is not None
    enabled = set(asked.keys)
    for key in keys:
        on, weight = _names(asked, key)
        st.session_state[on] = key in enabled
        st.session_state[weight] = _weight(asked, key)


def put_into_draft(chosen: Mapping[str, tuple[bool, float]]) -> None:
    """Set weight and switch of the principles of the open draft that are named; then draw all anew."""

    def step(draft: Draft) -> Draft:
        for row, principle in draft.rows:
            if principle.key in chosen:
                on, weight = chosen[principle.key]
                draft = draft.edit(row, enabled=on, weight=round(weight, 2))
        return draft

    before = current()
    change(step)
    st.session_state[NEWS] = _SAME if current() == before else _CHANGED
    st.rerun()


def tell_news() -> None:
    """Say in the run after it what became of the draft: a toast of the run that ends here gets lost."""
    if news := st.session_state.pop(NEWS, None):
        st.toast(news)
