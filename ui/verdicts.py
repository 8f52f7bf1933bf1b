"""A judgement on screen: verdict, probability, orders, votes, reasons, and what the judge saw."""

import math
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from cai_core.feedback.judge import Judged, Transcript
from cai_core.schema import Chat, Label
from ui import cards, charts
from ui.plain import block, label
from ui.seen import show_seen


def show_judged(judged: Judged, *, key: str) -> None:
    """Draw one judgement."""
    made = judged.label
    if made.verdict is None:
        st.warning(label(made.error, limit=600), icon=":material/help:")
    else:
        _show_numbers(made)
        charts.vote_chart(made.votes, key=f"{key}_votes")
        _show_reasons(judged)
    show_seen(chats_of(judged), key=f"{key}_seen")


def show_compared(found: Mapping[str, Judged], *, key: str) -> None:
    """Draw judgements of one pair, one a row, the newest first; the chart marks the other one."""
    rows = [_row(title, judged.label) for title, judged in found.items()]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Judgements of this pair")
    newest, *rest = found.values()
    for judged in found.values():
        if judged.label.error:
            st.caption(f":orange[:material/help:] {label(judged.label.error, limit=300)}")
    before = rest[0].label.votes if rest else None
    charts.vote_chart(newest.label.votes, before=before, key=f"{key}_votes")
    _show_reasons(newest)
    show_seen(chats_of(newest), key=f"{key}_seen")


def _row(title: str, made: Label) -> dict[str, str]:
    return {
        "Under": title,
        "Verdict": cards.verdict_text(made.verdict),
        "P(A)": _number(made.p_a),
        "A first": _number(made.orders.ab if made.orders else None),
        "B first": _number(made.orders.ba if made.orders else None),
        "Offset": _number(made.offset),
    }


def _show_numbers(made: Label) -> None:
    """Draw verdict, p_a, both orders, the pull to the first place, and the mass."""
    with st.grid(4, min_column_width=120):
        st.metric("Verdict", cards.verdict_text(made.verdict))
        st.metric("P(A is better)", _number(made.p_a), help=_raw_help(made))
        ab = _number(made.orders.ab) if made.orders else "–"
        ba = _number(made.orders.ba) if made.orders else "–"
        st.metric(
            "A first / B first", f"{ab} / {ba}", help="P(A is better) as asked each way round."
        )
        st.metric("Offset", _number(made.offset), help=_OFFSET)
    notes = []
    if made.flipped:
        notes.append("The two orders disagree as asked; the offset is the judge's pull to a place.")
    if made.mass is not None:
        notes.append(f"The judge spent {made.mass:.0%} of its probability on the two options.")
    if "characters_left_out" in made.extra:
        notes.append(f"{made.extra['characters_left_out']} characters did not fit and were cut.")
    st.caption(" ".join(notes))


_OFFSET = (
    "Half the difference of the two orders in log-odds: the judge's pull to the place shown first."
    " It is taken out of the verdict."
)


def _raw_help(made: Label) -> str | None:
    if made.p_raw is None or made.p_raw == made.p_a:
        return None
    return f"{made.p_raw:.3f} before it was clamped"


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.2f}"


def _show_reasons(judged: Judged) -> None:
    """What the judge reasoned or said, a tab-free list; nothing where it only scored."""
    spoken = [transcript for transcript in judged.transcripts if transcript.reply]
    if not spoken:
        return
    with st.expander(f"What the judge said ({len(spoken)})", icon=":material/psychology:"):
        for transcript in spoken:
            st.caption(label(_call_title(transcript)))
            st.html(block(transcript.reply))


def chats_of(judged: Judged) -> dict[str, Chat]:
    """Every call's chat, by what it asked."""
    return {_call_title(transcript): transcript.chat for transcript in judged.transcripts}


def _call_title(transcript: Transcript) -> str:
    return f"{transcript.principle}, {transcript.first.upper()} shown first"
