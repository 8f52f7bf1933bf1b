"""The form of a critique-and-revision job: one model answers, criticises and rewrites a prompt set."""

from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution import document
from cai_core.jobs.queue import Submission
from cai_core.schema import Version
from cai_core.settings import Settings
from ui import generate_choices
from ui.generate_choices import Asked
from ui.generate_start import Plan, start


def show(db: Database) -> None:
    st.caption(
        "The model answers each prompt, finds fault with its answer under a principle, and rewrites"
        " it. The rewritten answers are what supervised training learns from."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        asked = generate_choices.choose_prompts(db, key="revise")
        version = generate_choices.choose_version(db, key="revise")
    with right:
        model = generate_choices.choose_model(
            "Model", Settings.load().base_model, key="revise_model"
        )
        rounds = st.number_input(
            "Rounds",
            1,
            8,
            1,
            key="revise_rounds",
            help="The first revision removes most harm; the method's paper does 4.",
        )
        writing = generate_choices.choose_writing("revise")
    if asked is None or version is None:
        return
    calls = len(asked.prompts) * (1 + 2 * int(rounds))
    says = (
        f"**{len(asked.prompts)} prompts**, {rounds} round{'s' if rounds > 1 else ''}:"
        f" {calls} answers to write (first answer, then a critique and a revision a round)."
    )
    job = _submission(asked, version, {"model": model, "rounds": int(rounds)} | writing)
    start(db, Plan(job, len(asked.prompts), says))


def _submission(asked: Asked, version: Version, options: dict[str, Any]) -> Submission:
    return Submission(
        kind="revise",
        title=f"Revise {asked.words}",
        options={"prompts": "input.jsonl", "constitution": "constitution.yaml"} | options,
        files={
            "input.jsonl": [prompt.to_row() for prompt in asked.prompts],
            "constitution.yaml": document.dump(version.constitution),
        },
        constitution=version.ref,
        config={"prompt_set": asked.set_name, "split": asked.split},
    )
