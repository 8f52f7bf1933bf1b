"""What was seen of one case: the judgement in both orders, or the answer, its critique and its revision."""

import streamlit as st

from cai_core.feedback.judge import Judged
from cai_core.feedback.panel import Heard
from cai_core.feedback.templates import WHOLE
from cai_core.schema import CaseResult, Revision
from cai_core.store.suites import Ran
from ui import cards
from ui.clock import moment
from ui.plain import label
from ui.review_answers import show_answers
from ui.verdicts import show_heard


def show(result: CaseResult, ran: Ran, *, key: str) -> None:
    """Draw one result whole."""
    if result.outcome == "passed":
        st.text(f"Passed: {result.seen}")
    else:
        word = "Failed" if result.outcome == "failed" else "Could not be run"
        box = st.error if result.outcome == "failed" else st.warning
        box(f"{word}: {label(result.seen, limit=600)}")
    cards.conversation(result.case.prompt)
    if result.case.answers:
        show_answers(*result.case.answers)
    if result.label is not None and result.label.verdict is not None:
        show_heard(Heard(result.label, (Judged(result.label),)), key=key)
    if result.revision is not None:
        _trail(result.revision)
    by = f"job {ran.job}" if ran.job else "no job"
    asked = label(_asked(result), limit=200)
    st.caption(f"{asked} · {moment(ran.created)} · {label(by)}")


def _asked(result: CaseResult) -> str:
    """Who was asked."""
    if result.label is not None:
        return f"judged by {result.label.annotator}, {result.label.template}"
    return f"asked of {result.how.get('model', '–')}"


def _trail(revision: Revision) -> None:
    cards.answer("First answer", revision.initial)
    for round_ in revision.rounds:
        under = "all principles" if round_.principle == WHOLE else label(round_.principle)
        cards.answer(f"Critique under {under}", round_.critique)
        cards.answer("Revision", round_.revision)
