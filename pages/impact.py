"""Impact: what an edit of a constitution changes, in judgements or in revisions."""

import streamlit as st

from ui import (
    frame,
    impact_edit,
    impact_form,
    impact_live,
    impact_results,
    impact_rewrites_form,
    impact_rewrites_results,
)

with frame.page("impact") as db:
    revising = impact_edit.choose_what() == impact_edit.REVISIONS
    form, now = st.columns([5, 3], gap="large")
    with form:
        (impact_rewrites_form if revising else impact_form).show(db)
    with now:
        (impact_rewrites_results if revising else impact_live).show_now()
    st.divider()
    (impact_rewrites_results if revising else impact_results).show(db)
