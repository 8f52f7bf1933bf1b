"""The form of a sampling job: one model writes two answers to every prompt."""

import streamlit as st
from sqlite_utils import Database

from cai_core.jobs.queue import Submission
from cai_core.settings import Settings
from ui import generate_choices
from ui.generate_start import Plan, start

TEMPERATURE = 0.8  # two answers that differ, and still make sense


def show(db: Database) -> None:
    st.caption(
        "One model writes two answers to each prompt. A judge, or you, says which is better; that is"
        " what the reward model learns from. Sample from the model that is to be trained."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        asked = generate_choices.choose_prompts(db, key="make_pairs")
    with right:
        model = generate_choices.choose_model(
            "Model",
            Settings.load().base_model,
            key="make_pairs_model",
            help="Any model, and every finished run.",
        )
        writing = generate_choices.choose_writing("make_pairs", temperature=TEMPERATURE)
    if asked is None:
        return
    n = len(asked.prompts)
    job = Submission(
        kind="sample-pairs",
        title=f"Sample pairs from {asked.words}",
        options={"prompts": "input.jsonl", "model": model} | writing,
        files={"input.jsonl": [prompt.to_row() for prompt in asked.prompts]},
        config={"prompt_set": asked.set_name, "split": asked.split},
    )
    says = f"**{n} prompts**, two answers each: {2 * n} answers to write, {n} pairs to judge."
    start(Plan(job, n, says))
