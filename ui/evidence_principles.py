"""Every principle in one table: how often it applies and decides, agreement, leans beside people's."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.evaluate.behind import against_people, decided
from cai_core.evaluate.evidence import Evidence, Lean, Standing, evidence
from cai_core.schema import VoteTable
from cai_core.stats import NOTHING
from ui import cards
from ui.evidence_choice import Asked, tie_band
from ui.evidence_pairs import Behind, show_pairs
from ui.plain import label

_LINE = 35  # pixels of a row
_WHOLE = "the label as a whole"
_KINDS = {
    "decides": "Those that it decides",
    "people": "Those on which people take the other side",
}
_READ = (
    "**Decides**: the verdict would be another one, or none, without it. **Agreement**: with people's"
    " first blind verdicts; 50% is chance. **Length**: what an answer gains in log-odds by being twice"
    " as long, **refusal**: by refusing where the other does not; beside each the same of people, on"
    " the same pairs. **Beyond people** names a lean that differs from theirs by more than chance, all"
    " principles considered. A dash: too few pairs, or all went one way."
)


def show_principles(db: Database, asked: Asked, table: VoteTable) -> None:
    """Draw the table, and the pairs behind the principle that is chosen in it."""
    with st.spinner("Counting…"):
        made = evidence(table, asked.weights(table), tie_band=tie_band(table))
    key = f"evidence_table_{asked.id}"
    chosen = f"evidence_principle_{asked.id}"
    rows = _rows(made)
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=_LINE * (len(rows) + 1) + 3,
        key=key,
        on_select=_take(key, chosen, table.keys),
        selection_mode="single-row",
        column_config={"Principle": st.column_config.TextColumn(pinned=True)},
        alt="Every principle: how often it applies and decides, agreement with people, and leans",
    )
    st.caption(_READ)
    if asked.why:
        why = label(asked.why, limit=300)
        st.caption(f":material/block: How often a principle decides cannot be told: {why}.")
    _pairs_behind(db, asked, table, made, chosen)


def _take(key: str, chosen: str, keys: Sequence[str]) -> Callable[[], None]:
    """What a click on a row does: its principle is the one whose pairs are shown."""

    def take() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows and rows[0] < len(keys):
            st.session_state[chosen] = keys[rows[0]]

    return take


def _rows(made: Evidence) -> list[dict[str, str]]:
    """One a principle, the label last; why some have no vote only where some have none."""
    standings = (*made.principles, made.whole)
    rows = [_row(one, made) for one in standings]
    for title, name in (("Not applicable", "not_applicable"), ("Without a vote", "no_vote")):
        counts = [getattr(one, name) for one in standings]
        if any(counts):
            rows = [row | {title: str(n)} for row, n in zip(rows, counts, strict=True)]
    return rows


def _row(one: Standing, made: Evidence) -> dict[str, str]:
    length, refusal = one.length, one.refusal
    without = made.without.get(one.key)
    return {
        "Principle": one.key or _WHOLE,
        "Applies": cards.estimate_text(one.applies, percent=True),
        "Decides": cards.estimate_text(one.decides, percent=True),
        "Agreement": f"{cards.estimate_text(one.agreement, percent=True)}, n = {one.agreement.n}",
        "Beyond people": _beyond(length, refusal),
        "Length": cards.estimate_text(length.slant.votes, signed=True),
        "People's length": cards.estimate_text(length.slant.people, signed=True),
        "Refusal": cards.estimate_text(refusal.slant.votes, signed=True),
        "People's refusal": cards.estimate_text(refusal.slant.people, signed=True),
        "Agreement without it": cards.estimate_text(
            without.change if without else NOTHING, points=True
        ),
    }


def _beyond(length: Lean, refusal: Lean) -> str:
    """What it leans to more than people do; nothing where that may be chance."""
    leans = ((length, "longer", "shorter"), (refusal, "refusing", "complying"))
    said = [
        more if lean.slant.gap.value > 0 else less for lean, more, less in leans if lean.differs
    ]
    return ", ".join(said)


def _pairs_behind(
    db: Database, asked: Asked, table: VoteTable, made: Evidence, chosen: str
) -> None:
    st.subheader("The pairs behind it", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.selectbox("Principle", table.keys, key=chosen)
        kind = st.selectbox(
            "Pairs",
            list(_KINDS),
            format_func=_KINDS.__getitem__,
            key=f"evidence_kind_{asked.id}",
        )
    column = table.keys.index(key)
    if kind == "decides" and not made.without:
        st.caption("Which pairs it decides cannot be told; see above.")
        return
    if kind == "decides":
        places = decided(table, made.without[key])
        nothing = "No verdict would be another one without it."
    else:
        places = against_people(table, column, tie_band=tie_band(table))
        nothing = "People never take the other side on the pairs that they reviewed."
    behind = Behind(table, (column,), made.without.get(key) if kind == "decides" else None)
    show_pairs(db, behind, places, nothing=nothing, key=f"{asked.id}_{column}_{kind}")
