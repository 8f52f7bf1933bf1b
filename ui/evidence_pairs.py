"""The pairs behind a number, as cards: both answers, the votes that count here, and a way to review them.

Who has seen a pair here has seen its judge: a verdict on it is no blind one any more.
"""

from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.evaluate.behind import Places
from cai_core.evaluate.reweigh import Reweighed
from cai_core.schema import VoteTable
from cai_core.stats import sigmoid
from cai_core.store import pairs, sighted
from ui import cards, review_pairs
from ui.person import person
from ui.plain import label, shorten
from ui.review_answers import show_answers

FEW = 3  # cards shown at first, and more at a click
_SIDES = {1.0: "a", 0.5: "tie", 0.0: "b"}


@dataclass(frozen=True)
class Behind:
    """Whose votes are shown on a card, and what the label would be without the principle."""

    table: VoteTable
    columns: tuple[int, ...]
    without: Reweighed | None = None


def show_pairs(db: Database, behind: Behind, places: Places, *, nothing: str, key: str) -> None:
    """Draw the first cards of these rows of the table.

    Args:
        nothing: what to say where there are none. key: of the widgets, for this list.
    """
    if not len(places):
        st.caption(nothing)
        return
    more = f"evidence_more_{key}"
    shown = min(len(places), st.session_state.get(more, FEW))
    st.caption(f"{len(places)} of {len(behind.table)} pairs, the clearest first.")
    ids = [behind.table.pair_ids[place] for place in places[:shown]]
    found = pairs.many(db, ids)
    sighted.mark(db, person(), ids)
    for place, pair_id in zip(places[:shown].tolist(), ids, strict=True):
        _card(found[pair_id], behind, place, key=key)
    if shown < len(places) and st.button(
        f"Show {min(FEW, len(places) - shown)} more", key=f"{more}_button"
    ):
        st.session_state[more] = shown + FEW
        st.rerun()


def _card(stored: pairs.StoredPair, behind: Behind, place: int, *, key: str) -> None:
    pair = stored.pair
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            asked = label(shorten(pair.prompt[-1].content, 220), limit=220)
            st.markdown(f"**{asked}**", width="stretch")
            if st.button(
                "Open in review",
                key=f"evidence_review_{key}_{pair.id}",
                icon=":material/rate_review:",
                type="tertiary",
                help="As the judge's votes stand here, your verdict will not count as blind.",
            ):
                review_pairs.open_pair(pair.id)
        st.caption(_says(behind, place))
        show_answers(pair.response_a, pair.response_b)


def _says(behind: Behind, place: int) -> str:
    """The label, the votes and people on one line."""
    table = behind.table
    parts = [f"Label: {_side(table.worth[place])}, P(A) {cards.number_text(table.p[place])}"]
    if behind.without is not None:
        worth, p = behind.without.worth[place], behind.without.p_a[place]
        parts.append(f"without it: {_side(worth)}, {cards.number_text(p)}")
    parts += [
        f"{label(table.keys[at])}: {cards.number_text(float(sigmoid(table.logits[place, at])))}"
        for at in behind.columns
    ]
    people = "kept out" if table.kept_out[place] else _people(table.people[place].tolist())
    return " · ".join([*parts, f"people: {people}"])


def _side(worth: float) -> str:
    return cards.verdict_text(_SIDES.get(float(worth)))


def _people(counts: list[float]) -> str:
    """
    >>> _people([2.0, 0.0, 1.0]), _people([0.0, 0.0, 0.0])
    ('2 A, 1 B', 'not reviewed blind')
    """
    named = zip(counts, ("A", "tie", "B"), strict=True)
    return ", ".join(f"{n:.0f} {name}" for n, name in named if n) or "not reviewed blind"
