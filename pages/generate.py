"""Generate: revisions, pairs and judgements over a whole prompt set, as jobs; and what they work on."""

import streamlit as st

from ui import (
    frame,
    generate_judge,
    generate_pairs,
    generate_results,
    generate_revise,
    generate_sets,
    generate_upload,
    job_cards,
)

with frame.page("generate") as db:
    jobs = {
        "Critique and revise": generate_revise.show,
        "Sample pairs": generate_pairs.show,
        "Judge pairs": generate_judge.show,
    }
    data = {"Prompt sets": generate_sets.show, "Upload pairs": generate_upload.show_others}
    what = st.segmented_control(
        "What to make",
        [*jobs, *data],
        default="Critique and revise",
        required=True,
        key="generate_what",
        label_visibility="collapsed",
    )
    if what in data:
        data[what](db)
    else:
        form, now = st.columns([5, 2], gap="large")
        with form:
            jobs[what](db)
        with now:
            job_cards.show_live(generate_results.LIVE)
        generate_results.show()
