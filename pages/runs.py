"""Runs: what runs, what waits, what came out, and what went wrong."""

import streamlit as st

from ui import frame, run_detail, run_list

with frame.page("runs") as db:
    chosen = st.query_params.get("run", "")
    if chosen:
        st.button(
            "All runs", icon=":material/arrow_back:", on_click=run_list.close, type="tertiary"
        )
        run_detail.show(db, chosen)
    else:
        run_list.show()
