"""What the judge said of a pair, with A and B as the reviewer sees them, and how often they agree."""

import streamlit as st
from sqlite_utils import Database

from cai_core.review.agreement import share
from cai_core.schema import Label
from cai_core.stats import Estimate
from cai_core.store import verdicts
from ui import ballots, cards, charts
from ui.judge_choices import judge_words
from ui.plain import block, label
from ui.review_choice import GUIDED, Judge
from ui.review_rows import judgement_rows

# Queues in which no pair comes up for being hard; "all" is the name of an older one.
EVEN = frozenset({"all", "even", GUIDED})


def show_judgement(found: Label | None, *, key: str) -> None:
    """Draw the verdict, its numbers and the votes; `found` has the sides as shown."""
    if found is None:
        st.caption("This judge has not judged this pair.")
        return
    if found.verdict is None:
        st.caption(f"The judgement failed: {label(found.error or 'no reason given', limit=300)}")
        return
    left, right = st.columns([2, 3], gap="medium")
    with left:
        _numbers(found)
    with right:
        if found.votes:
            charts.vote_chart(found.votes, key=f"votes_{key}")
    ballots.show(found)
    if found.rationale:
        st.caption("Its reasoning" + _turned_note(found))
        st.html(block(found.rationale))


def _turned_note(found: Label) -> str:
    return ", written about the answers the other way round" if found.extra.get("turned") else ""


def _numbers(found: Label) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Judge: {cards.verdict_text(found.verdict)}**")
        if found.inconsistent:
            st.badge("inconsistent", icon=":material/sync_problem:", color="orange")
        elif found.flipped:
            st.badge("flipped", icon=":material/swap_horiz:", color="gray")
    st.table(dict(judgement_rows(found)), border="horizontal", width="content")
    who = judge_words(found.annotator)
    st.caption(f"{who} · {label(found.method)} · {label(found.principles)}")
    if said := ballots.notes(found):
        st.caption(" ".join(said))


def counted_with(queue: str) -> frozenset[str]:
    """Queues whose verdicts count together: those drawn evenly do, one of hard pairs stands alone."""
    return EVEN if queue in EVEN else frozenset({queue})


def agreement_with(
    db: Database, judge: Judge | None, reviewer: str, *, queues: frozenset[str]
) -> Estimate | None:
    """How often this judge agrees with this reviewer's first blind verdicts; None without a judge."""
    if judge is None:
        return None
    return share(verdicts.beside_judge(db, reviewer, judge.where, queues))


def agreement_words(estimate: Estimate | None) -> str:
    """One line for over the progress bar.

    >>> agreement_words(None)
    'agreement with the judge: –'
    >>> agreement_words(Estimate(0.61, 0.4, 0.78, 20))
    'the judge agrees with you in 61% (95% interval 40% to 78%, n = 20)'
    """
    if estimate is None or estimate.n == 0:
        return "agreement with the judge: –"
    share = cards.number_text(estimate.value, percent=True)
    interval = cards.interval_text(estimate, percent=True)
    return f"the judge agrees with you in {share} ({interval})"
