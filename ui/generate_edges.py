"""The form of a job in which a model writes edge cases for chosen principles, into a prompt set."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution import document
from cai_core.errors import ConstitutionError
from cai_core.feedback.edge_slots import COUNT, TEMPERATURE, EdgeSettings
from cai_core.feedback.edge_wording import KINDS, Kind
from cai_core.jobs.queue import Submission
from cai_core.schema import Chat, Version, chat_row
from cai_core.settings import BUILTIN, Settings
from cai_core.store import prompts
from ui import generate_choices
from ui.generate_choices import Asked
from ui.generate_start import Plan, start
from ui.plain import label

_NO_NAME = "the set has no name; give it one"
KIND_NAMES: dict[Kind, str] = {
    "collide": "Colliding",
    "ambiguous": "Ambiguous",
    "looks-unsafe": "Looks unsafe",
}


def show(db: Database) -> None:
    st.caption(
        "A model writes prompts at the edge of the constitution, into a set of their own. Near"
        " duplicates of the workspace's prompts are dropped, so that nothing held out is trained on."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        version = generate_choices.choose_version(db, key="make_edges")
        asked = generate_choices.choose_prompts(db, key="make_edges")
    if version is None or asked is None:
        return
    with left:
        principles = _principles(version)
    with right:
        options = _options()
        name = st.text_input(
            "Into the set", f"{version.constitution.name} edge cases", key="make_edges_name"
        )
    fault = _fault(version, options["kind"], principles) or ("" if name.strip() else _NO_NAME)
    if fault:
        st.caption(f":orange[:material/warning:] {label(fault, limit=300)}")
        return
    job = _submission(
        asked, version, prompts.conversations(db), options=options | {"principle": principles}
    )
    total = len(options["kind"]) * options["count"]
    says = _says(total, name, options["model"])
    start(Plan(replace(job, config={"set": " ".join(name.split())}), total, says))


def _principles(version: Version) -> list[str]:
    keys = [principle.key for principle in version.constitution.principles]
    return st.multiselect(
        "Principles",
        keys,
        key=f"make_edges_principles_{version.id}",
        placeholder="All that are enabled",
        help="Two that pull in opposite directions collide; choose them, or let them be drawn.",
    )


def _options() -> dict[str, Any]:
    kinds = st.pills(
        "Kinds",
        list(KINDS),
        selection_mode="multi",
        default=list(KINDS),
        format_func=KIND_NAMES.__getitem__,
        key="make_edges_kinds",
        help="Two principles pull in opposite directions; it is unclear whether one applies; or the"
        " prompt is safe and only sounds as if it were not.",
        persist_state="session",
    )
    model = generate_choices.choose_model(
        "Model", Settings.load().base_model, key="make_edges_model"
    )
    count = st.number_input(
        "Prompts of each kind", 1, 200, COUNT, key="make_edges_count", persist_state="session"
    )
    writing = generate_choices.choose_writing("make_edges", temperature=TEMPERATURE)
    return {"kind": list(kinds), "model": model, "count": int(count)} | writing


def _fault(version: Version, kinds: list[Kind], principles: list[str]) -> str:
    """What is wrong with the choice, in the words of the command; "" where it can be started."""
    if not kinds:
        return "no kind is chosen; choose one"
    try:
        EdgeSettings(tuple(kinds), tuple(principles)).chosen(version.constitution)
    except ConstitutionError as error:
        return str(error)
    return ""


def _says(total: int, name: str, model: str) -> str:
    said = f"**{total} prompts** to write into {label(name, limit=60)}."
    if model == BUILTIN:
        said += (
            " The built-in model writes questions, and few of them are real edge cases: read them"
            " before you use them, or choose a larger model."
        )
    return said


def _submission(
    asked: Asked, version: Version, known: Sequence[Chat], *, options: dict[str, Any]
) -> Submission:
    files = {"from": "input.jsonl", "known": "known.jsonl", "constitution": "constitution.yaml"}
    return Submission(
        kind="prompts",
        title=f"Write edge cases for {version.constitution.name} v{version.number}",
        options=files | options,
        files={
            "input.jsonl": [prompt.to_row() for prompt in asked.prompts],
            "known.jsonl": [{"prompt": chat_row(chat)} for chat in known],
            "constitution.yaml": document.dump(version.constitution),
        },
        constitution=version.ref,
    )
