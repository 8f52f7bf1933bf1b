"""A judgement on screen: verdict, probability, orders, votes, reasons, and what the judge saw."""

import math
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from cai_core.feedback.judge import Judged, Transcript
from cai_core.feedback.panel import Heard
from cai_core.schema import Label
from ui import ballots, cards, charts
from ui.plain import block, label
from ui.seen import show_seen


def show_heard(heard: Heard, *, key: str) -> None:
    """Draw one judgement; of a panel what each judge said, too."""
    made = heard.label
    if made.verdict is None:
        st.warning(label(made.error, limit=600), icon=":material/help:")
    else:
        _show_numbers(made)
        charts.vote_chart(made.votes, key=f"{key}_votes")
    ballots.show(made)
    transcripts = _by_title(heard)
    if made.verdict is not None:
        _show_reasons(transcripts)
    show_seen({name: one.chat for name, one in transcripts.items()}, key=f"{key}_seen")


def _by_title(heard: Heard) -> dict[str, Transcript]:
    """Every call by what it asked, and of whom where there are several."""
    if len(heard.judged) == 1:
        return transcripts_of(heard.judged[0])
    return {
        f"{judged.label.annotator}: {title}": transcript
        for judged in heard.judged
        for title, transcript in transcripts_of(judged).items()
    }


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
    transcripts = transcripts_of(newest)
    _show_reasons(transcripts)
    show_seen({name: one.chat for name, one in transcripts.items()}, key=f"{key}_seen")


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
    if made.mass is not None and made.method != "repeat":
        whose = "The judges spent on average" if made.panel else "The judge spent"
        notes.append(f"{whose} {made.mass:.0%} of the probability on the two options.")
    st.caption(" ".join([*notes, *ballots.notes(made)]))


_OFFSET = (
    "Half the difference of the two orders in log-odds: the judge's pull to the place shown first."
    " It is taken out of the verdict."
)


def _raw_help(made: Label) -> str | None:
    if made.p_raw is None or made.p_raw == made.p_a:
        return None
    if made.panel:
        return f"{made.p_raw:.3f} is the mean of the judges in log-odds"
    return f"{made.p_raw:.3f} before it was clamped"


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.2f}"


def _show_reasons(transcripts: Mapping[str, Transcript]) -> None:
    """What the judge reasoned or said, a tab-free list; nothing where it only scored."""
    spoken = {title: one.reply for title, one in transcripts.items() if one.reply}
    if not spoken:
        return
    with st.expander(f"What the judge said ({len(spoken)})", icon=":material/psychology:"):
        for title, reply in spoken.items():
            st.caption(label(title, limit=160))
            st.html(block(reply))


def transcripts_of(judged: Judged) -> dict[str, Transcript]:
    """Every call of one judge, by what it asked."""
    return {f"{t.principle}, {t.first.upper()} shown first": t for t in judged.transcripts}
