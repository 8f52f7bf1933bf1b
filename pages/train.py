"""Train: SFT, a reward model, PPO, or all three in one go."""

import streamlit as st

from ui import frame, job_cards, train_chain, train_single

ALL = "All three"
KINDS = ("sft", "reward", "ppo", "chain")

with frame.page("train") as db:
    form, now = st.columns([5, 2], gap="large")
    with form:
        choices = [ALL, *train_single.STAGES]
        what = st.segmented_control(
            "What to train", choices, default=ALL, required=True, key="train_what"
        )
        if what == ALL:
            train_chain.show(db)
        else:
            train_single.show(db, train_single.STAGES[what])
    with now:
        job_cards.show_live(KINDS)
