"""The evidence tab: what stored votes say of each principle, and what other weights would make of them."""

import streamlit as st
from sqlite_utils import Database

from cai_core.schema import VoteTable
from ui import cards, evidence_suggested, evidence_weights, menu, review_judge
from ui.draft import Draft
from ui.evidence_choice import Asked, choose
from ui.evidence_matrix import show_matrix
from ui.evidence_principles import show_principles
from ui.plain import label

VIEW = "evidence_view"
_VIEWS = {
    "principles": "Each principle",
    "alike": "Alike and opposed",
    "weights": "Other weights",
    "suggested": "Weights my reviews suggest",
}


def show_evidence(db: Database, draft: Draft) -> None:
    """Draw the choice of judgements and one view on them."""
    evidence_weights.tell_news()
    asked = choose(db, draft)
    if asked is None:
        cards.empty(
            "Nothing is judged under this constitution yet",
            "Save a version, and have pairs judged under it with **Every principle votes**: then"
            " stands here which principles decide, and whether people agree with them.",
            page="generate",
            label="Judge pairs",
        )
        return
    view = st.segmented_control(
        "View",
        list(_VIEWS),
        format_func=_VIEWS.__getitem__,
        default="principles",
        required=True,
        key=VIEW,
        label_visibility="collapsed",
        persist_state="session",
    )
    with st.spinner("Reading votes…"):
        table = asked.table(db, answers=view == "principles")
    _say_what(asked, table)
    if not table.voted.any():
        _no_votes(asked)
    elif view == "weights":
        evidence_weights.show(asked, draft)
    elif view == "suggested":
        evidence_suggested.show(asked, table, draft)
    elif view == "alike":
        show_matrix(db, asked, table)
    else:
        show_principles(db, asked, table)


def _say_what(asked: Asked, table: VoteTable) -> None:
    """Over which pairs everything is counted, and how far they speak for others."""
    reviewed, kept_out = int(table.reviewed.sum()), int(table.kept_out.sum())
    said = f"Judged under {asked.version}: {len(table)} pairs, {reviewed} of them reviewed blind."
    if kept_out:
        said += (
            f" Verdicts on {kept_out} more are kept out: they are of the locked half, which nothing is"
            " tuned on."
        )
    hard = sum(n for queue, n in table.queues.items() if queue not in review_judge.EVEN)
    if hard:
        said += (
            f" {hard} of the {sum(table.queues.values())} verdicts come from queues of hard pairs,"
            " on which people and judges agree less than on others."
        )
    st.caption(said)
    if not reviewed:
        st.caption("Review some of these pairs blind, to see whether people agree with the votes.")
        menu.link("review", "Review pairs")


def _no_votes(asked: Asked) -> None:
    why = asked.why or "none of these judgements has a readable vote"
    cards.empty(
        "There are no votes to look at",
        f"It cannot be told what each principle does: {label(why, limit=300)}. Judge the pairs with"
        " **Every principle votes**.",
        page="generate",
        label="Judge pairs",
    )
