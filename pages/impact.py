"""Impact: what an edit of a constitution changes in a judge's labels, and whether that is real."""

import streamlit as st

from ui import frame, impact_form, impact_live, impact_results

with frame.page("impact") as db:
    form, now = st.columns([5, 3], gap="large")
    with form:
        impact_form.show(db)
    with now:
        impact_live.show_now()
    st.divider()
    impact_results.show(db)
