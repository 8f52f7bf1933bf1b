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

TEMPERATURE = 1.0  # CAI section 3.2
HOW: dict[str, dict[str, Any]] = {
    "One principle drawn a round": {"principle": "draw"},
    "The whole constitution": {"principle": "whole"},
    "Every principle, step by step": {"stepwise": True},
}


def show(db: Database) -> None:
    st.caption(
        "The model answers each prompt, finds fault with its answer under a principle, and rewrites"
        " it. The rewritten answers are what supervised training learns from."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        asked = generate_choices.choose_prompts(db, key="make_revise")
        version = generate_choices.choose_version(db, key="make_revise")
    with right:
        model = generate_choices.choose_model(
            "Model", Settings.load().base_model, key="make_revise_model"
        )
        rounds = st.number_input(
            "Rounds",
            1,
            8,
            1,
            key="make_revise_rounds",
            persist_state="session",
            help="The first revision removes most harm; the method's paper does 4.",
        )
        how = st.selectbox(
            "Critique under",
            list(HOW),
            key="make_revise_how",
            persist_state="session",
            help="Where critiques are weak, let every principle be asked, yes or no with a reason.",
        )
        writing = generate_choices.choose_writing("make_revise", temperature=TEMPERATURE)
    if asked is None or version is None:
        return
    says = _says(len(asked.prompts), int(rounds), how, version)
    job = _submission(asked, version, {"model": model, "rounds": int(rounds)} | HOW[how] | writing)
    start(Plan(job, len(asked.prompts), says))


def _says(prompts: int, rounds: int, how: str, version: Version) -> str:
    asked = f"**{prompts} prompts**, {rounds} round{'s' if rounds > 1 else ''}: "
    if "stepwise" in HOW[how]:
        n = len(version.constitution.enabled)
        return asked + f"in each round {n} principles are asked, and the answer is rewritten."
    calls = prompts * (1 + 2 * rounds)
    return (
        asked + f"{calls} answers to write (first answer, then a critique and a revision a round)."
    )


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
