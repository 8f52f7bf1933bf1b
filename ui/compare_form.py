"""Start a comparison: two models answer the same prompts, a judge prefers one answer of each pair."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.document import dump
from cai_core.jobs import queue
from cai_core.models import catalogue
from cai_core.schema import SPLITS, Prompt, Version
from cai_core.settings import Settings
from cai_core.store import constitutions, prompts
from cai_core.store.prompts import PromptSet
from ui import cards, judge_choices
from ui.generate_choices import choose_model
from ui.generate_start import Plan, start
from ui.plain import shorten

MANY = 32  # prompts by default: enough to see a large difference, minutes on a laptop


def show(db: Database) -> None:
    """The form and its button; an empty state where prompts or a constitution are missing."""
    sets = [found for found in prompts.sets(db) if found.n]
    versions = constitutions.newest_of_each(db)
    if not sets:
        cards.empty(
            "A comparison needs prompts",
            "Both models are asked the same ones. Load a prompt set on the generate page.",
            page="generate",
            label="Load prompts",
        )
        return
    if not versions:
        cards.empty(
            "A comparison needs a constitution",
            "The judge judges by it. Save one first.",
            page="constitution",
            label="Write a constitution",
        )
        return
    job, n = _asked(db, sets, versions)
    start(Plan(job, n, _says(job.options, n)))


def _asked(
    db: Database, sets: list[PromptSet], versions: list[Version]
) -> tuple[queue.Submission, int]:
    """What is chosen, and how many prompts it has; none where the two models are one."""
    settings = Settings.load()
    left, middle, right = st.columns(3)
    with left:
        a = choose_model("Model A (after)", _newest(settings), key="compare_a")
        b = choose_model("Model B (before)", settings.base_model, key="compare_b")
    with middle:
        chosen = st.selectbox(
            "Prompt set",
            sets,
            format_func=lambda s: f"{s.name} · {s.n}",
            key="compare_set",
            persist_state="session",
        )
        splits = ("test", "dev", "train", "all")
        split = st.selectbox(
            "Split", splits, key="compare_split", persist_state="session", help="Report on test."
        )
        most = st.number_input(
            "Prompts at most", 2, 1000, MANY, key="compare_most", persist_state="session"
        )
    with right:
        judge = choose_model("Judge", settings.judge.model, key="compare_judge")
        with st.expander("A panel of judges", icon=":material/groups:"):
            panel = judge_choices.choose_panel(settings.judge, key="compare_judge")
        judge_choices.say_builtin(settings.judge.model_copy(update={"model": judge} | panel))
        version = st.selectbox(
            "Constitution",
            versions,
            format_func=_version_name,
            key="compare_version",
            persist_state="session",
        )
        tokens = st.number_input(
            "Tokens an answer", 8, 4096, 128, key="compare_tokens", persist_state="session"
        )
    asked = prompts.of_set(db, chosen.name, split=split if split in SPLITS else None, limit=most)
    options = {"model_a": a, "model_b": b, "judge": judge, "max_new_tokens": int(tokens)}
    options |= {"panel": list(panel["panel"])}
    options |= {"combine": panel["combine"]} if panel["panel"] else {}
    job = _submission(asked, version, options, {"prompt_set": chosen.name, "split": split})
    return job, 0 if a == b else len(asked)


def _newest(settings: Settings) -> str:
    """The newest trained model, of a chain its policy; the base model where there is none."""
    runs = [item.id for item in catalogue.known(settings) if item.kind == "run"]
    if not runs:
        return settings.base_model
    policy = f"{runs[0].partition('/')[0]}/ppo"
    return policy if policy in runs else runs[0]


def _says(options: Mapping[str, Any], n: int) -> str:
    if options["model_a"] == options["model_b"]:
        return "Choose two different models."
    if n == 0:
        return "This split of the set is empty; choose another one."
    return f"**{n} prompts** to both models; every pair of answers is judged in both orders."


def _version_name(version: Version) -> str:
    return f"{version.constitution.name} v{version.number} · {shorten(version.message, 40)}"


def _submission(
    asked: Sequence[Prompt], version: Version, options: dict[str, Any], config: dict[str, Any]
) -> queue.Submission:
    setting = Settings.load().judge
    how = {"method": setting.method, "principles": setting.principles}
    files = {"prompts": "prompts.jsonl", "constitution": "constitution.yaml"}
    return queue.Submission(
        kind="winrate",
        title=f"{options['model_a']} against {options['model_b']}",
        options=files | options | how,
        files={
            "prompts.jsonl": [prompt.to_row() for prompt in asked],
            "constitution.yaml": dump(version.constitution),
        },
        constitution=version.ref,
        config=config,
    )
