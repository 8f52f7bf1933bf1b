"""Quality: how right the labels are, held against people's first blind verdicts."""

import streamlit as st

from ui import cards, frame, quality_data, quality_files, quality_subject, quality_tabs

with frame.page("quality") as db:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        subject = quality_subject.choose(db)
        quality_files.show(db)
    if subject is None:
        cards.empty(
            "There are no labels yet",
            "Have pairs judged; then read some of them yourself, blind. Here stands then how often"
            " the labels agree with you.",
            page="generate",
            label="Judge pairs",
        )
    else:
        quality_tabs.show(db, quality_data.read(db, subject))
