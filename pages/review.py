"""Review: a person's own verdict on pairs and revisions, by single keys."""

import streamlit as st

from cai_core.store import pairs
from ui import (
    cards,
    frame,
    review_bulk,
    review_choice,
    review_guided,
    review_helpful,
    review_pairs,
    review_revisions,
)

with frame.page("review") as db:
    read_pairs, read_revisions, read_helpful, in_bulk = st.tabs(
        ["Pairs", "Revisions", "Helpful", "Bulk"], key="review_tab", on_change="rerun"
    )
    if read_revisions.open:
        with read_revisions:
            review_revisions.show(db)
    elif read_helpful.open:
        with read_helpful:
            review_helpful.show()
    elif in_bulk.open:
        with in_bulk:
            review_bulk.show(db)
    elif not pairs.count(db):
        with read_pairs:
            cards.empty(
                "There are no pairs yet",
                "Sample two answers to every prompt of a set, or upload pairs that you have.",
                page="generate",
                label="Make pairs",
            )
    elif review_guided.is_on():
        with read_pairs:
            review_guided.explain()
            review_pairs.show(review_choice.guided(db))
    else:
        with read_pairs:
            review_guided.offer(db)
            review_pairs.show(review_choice.choose(db))
