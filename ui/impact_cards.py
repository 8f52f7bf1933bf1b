"""One pair under two versions, as a card: both judgements side by side."""

import streamlit as st

from cai_core.impact.outcome import Judged
from cai_core.impact.result import against_person
from ui import cards, charts
from ui.plain import label


def flip(one: Judged, *, key: str) -> None:
    """Draw a closed card; opened it shows the answers, and both versions' judgement and votes."""
    asked = one.pair.prompt[-1].content if one.pair.prompt else ""
    marks = ":orange[:material/person_alert:] " if against_person(one) else ""
    moved = _moved(one.old, one.new)
    with st.expander(f"{marks}{moved} · {label(asked, limit=70)}", key=f"flip_{key}"):
        _said(one)
        cards.conversation(one.pair.prompt)
        for column, side in zip(st.columns(2), ("a", "b"), strict=True):
            with column:
                cards.answer(f"Answer {side.upper()}", getattr(one.pair, f"response_{side}"))
        for column, place in zip(st.columns(2), (0, 1), strict=True):
            with column:
                _judgement(one, place, key=key)


def _moved(old: float | None, new: float | None) -> str:
    """
    >>> _moved(0.4, 0.6), _moved(0.498, 0.503), _moved(None, 0.5)
    ('0.40 → 0.60', '0.498 → 0.503', '– → 0.50')
    """
    if old is not None and new is not None and abs(new - old) < 0.02:
        return f"{old:.3f} → {new:.3f}"
    return f"{_p(old)} → {_p(new)}"


def _p(p: float | None) -> str:
    return "–" if p is None else f"{p:.2f}"


def _said(one: Judged) -> None:
    if one.pair.label:
        said = cards.verdict_text(one.pair.label)
        against = ", which the edit now contradicts" if against_person(one) else ""
        st.caption(f":material/person: A person says: {said}{against}.")
    if one.meant:
        st.caption(
            ":material/edit: The edited principle made the old verdict: it is meant to change."
        )


def _judgement(one: Judged, place: int, *, key: str) -> None:
    title = ("Before", "After")[place]
    p = (one.old, one.new)[place]
    st.markdown(f"**{title}:** {cards.verdict_text(one.verdicts[place])} · P(A is better) {_p(p)}")
    votes = {name: both[place] for name, both in one.votes.items()}
    said = {name: vote for name, vote in votes.items() if vote is not None}
    if said:
        charts.vote_chart(said, key=f"votes_{key}_{place}")
    else:
        st.caption("The edited principles have no vote here.")
