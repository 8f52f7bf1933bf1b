"""The weights that people's reviews suggest, beside the present ones, and whether they are better."""

import numpy as np
import pandas as pd
import streamlit as st

from cai_core.evaluate.suggested import LEAST, LEAST_PROMPTS, Suggestion, learnable, suggest
from cai_core.schema import VoteTable
from cai_core.stats import FloatArray
from ui import cards, menu
from ui.draft import Draft
from ui.evidence_choice import Asked, tie_band
from ui.evidence_weights import put_into_draft
from ui.plain import label


def show(asked: Asked, table: VoteTable, draft: Draft) -> None:
    """Draw the suggestion, or why there is none."""
    weights = asked.weights(table)
    if weights is None:
        why = label(asked.why, limit=300)
        st.warning(f"No weights can be suggested: {why}.", icon=":material/block:")
        return
    reviews = learnable(table)
    prompts = len(np.unique(reviews.prompts))
    if len(reviews) < LEAST or prompts < LEAST_PROMPTS:
        _too_few(len(reviews), prompts)
        return
    with st.spinner("Fitting weights to your reviews…"):
        found = suggest(table, weights, tie_band=tie_band(table))
    if found:
        _numbers(found)
        _weights(found, table, weights)
        _put(asked, found, draft)


def _too_few(reviews: int, prompts: int) -> None:
    with st.container(border=True, width=640, gap="small"):
        st.markdown(f"**{LEAST} reviewed pairs are needed, and {reviews} are there**")
        st.markdown(
            f"They must be of {LEAST_PROMPTS} prompts at least; these are of {prompts}. With fewer it"
            " could not be told whether the suggestion is any better. Pairs of the test split and"
            " of the locked half do not count: numbers are reported there."
        )
        menu.link("review", "Review pairs blind")


def _numbers(found: Suggestion) -> None:
    icon = ":material/check_circle:" if found.better else ":material/info:"
    (st.success if found.better else st.info)(found.sentence, icon=icon)
    left, right = st.columns(2)
    with left:
        cards.number("Agreement of the suggested weights", found.agreement, percent=True)
    with right:
        cards.number("Agreement of the present ones", found.present, percent=True)
    st.caption(
        "Both over the same pairs; the suggested weights were fitted to other prompts than those that"
        " they are held against here. A tie against a side counts one half."
    )


def _weights(found: Suggestion, table: VoteTable, weights: FloatArray) -> None:
    rows = [
        {
            "Principle": key,
            "Present weight": float(now),
            "Suggested weight": found.weights[key],
            "": _remark(found, key),
        }
        for key, now in zip(table.keys, weights, strict=True)
    ]
    number = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={"Present weight": number, "Suggested weight": number},
        height=38 + 35 * len(rows),
        alt="Present and suggested weight of every principle",
    )
    st.caption(
        "Shrunk towards the present weights, so that little evidence changes little. Only ratios count:"
        " the sum stays as it is. None is below 0, for a constitution has no negative weights."
    )


def _remark(found: Suggestion, key: str) -> str:
    if key in found.against:
        return "speaks against your reviews"
    return "adds nothing to the others" if key in found.zero else ""


def _put(asked: Asked, found: Suggestion, draft: Draft) -> None:
    drafted = {p.key: p for _, p in draft.rows}
    chosen = {k: (drafted[k].enabled, w) for k, w in found.weights.items() if k in drafted}
    if st.button(
        "Put into the draft",
        key=f"evidence_suggested_{asked.id}",
        type="primary",
        icon=":material/edit:",
        disabled=not chosen,
    ):
        put_into_draft(chosen)
