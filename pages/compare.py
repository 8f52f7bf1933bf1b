"""Compare: the same prompts to two models, before and after."""

import streamlit as st

from ui import compare_form, compare_results, frame, job_cards

with frame.page("compare") as db:
    form, now = st.columns([5, 2], gap="large")
    with form:
        compare_form.show(db)
    with now:
        job_cards.show_live(("winrate", "chain"))
    st.divider()
    compare_results.show(db)
