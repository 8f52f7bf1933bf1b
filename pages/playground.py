"""Watch a model criticise and revise its own answer, and see how the judge decides."""

import streamlit as st

from ui import frame
from ui.playground_judge import show_judge
from ui.playground_revise import show_revise
from ui.playground_single import show_single

with frame.page("playground") as db:
    revise, judge, single = st.tabs(
        ["Critique and revise", "A against B", "One answer"],
        key="playground_tab",
        on_change="rerun",
    )
    if revise.open:
        with revise:
            show_revise(db)
    if judge.open:
        with judge:
            show_judge(db)
    if single.open:
        with single:
            show_single(db)
