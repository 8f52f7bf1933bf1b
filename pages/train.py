"""Train: SFT, a reward model, a policy against it, or the whole chain in one go."""

import streamlit as st

from ui import frame, job_cards, train_chain, train_single, train_start

with frame.page("train") as db:
    form, now = st.columns([5, 2], gap="large")
    with form:
        choices = [train_chain.TITLE, *train_single.STAGES]
        if again := train_start.take_run():
            st.session_state["train_what"] = train_single.title_of(again) or train_chain.TITLE
        what = st.segmented_control(
            "What to train",
            choices,
            default=choices[0],
            required=True,
            key="train_what",
            persist_state="session",
        )
        if what == train_chain.TITLE:
            train_chain.show(db)
        else:
            train_single.show(db, train_single.STAGES[what])
    with now:
        job_cards.show_live(job_cards.TRAINING)
