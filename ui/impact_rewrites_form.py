"""Start a comparison of what two versions make of the same answers: which prompts, who revises and judges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution import document
from cai_core.errors import CaiError
from cai_core.impact.edit import Edit
from cai_core.impact.rewrites import Requested, requested
from cai_core.jobs.queue import Submission
from cai_core.schema import Row
from cai_core.settings import JudgeSetting, Settings
from cai_core.store import revisions, work
from cai_core.store.revisions import RevisionFilter
from ui import generate_choices, impact_edit, judge_choices
from ui.choices import Ruling
from ui.generate_start import Plan, start
from ui.plain import label, shorten

KIND = "impact-revisions"
KEY = "impact_rewrites"
TEMPERATURE = 1.0  # CAI section 3.2
WRITTEN = ""  # in place of a run: the model writes the first answers


@dataclass(frozen=True)
class _Asked:
    """Everything that a comparison is made of; no setting where nobody judges."""

    old: Ruling
    new: Ruling
    requested: Requested
    whole: bool
    rows: Sequence[Row]  # with first answers where a run gave them
    source: str
    model: str
    writing: dict[str, Any]
    setting: JudgeSetting | None


def show(db: Database) -> None:
    """The form and its button; an empty state where versions or prompts are missing."""
    if not impact_edit.versions(db):
        impact_edit.say_no_version()
        return
    left, right = st.columns(2, gap="medium")
    with left:
        both = impact_edit.choose_edit(db)
        whole = st.toggle(
            "The whole at once",
            key=f"{KEY}_whole",
            persist_state="session",
            help="Ask the whole constitution at once; else the edited principle alone is asked, on every"
            " answer.",
        )
    with right:
        model = generate_choices.choose_model(
            "Model", Settings.load().base_model, key=f"{KEY}_model"
        )
        setting = _choose_judge()
    if both is None:
        return
    impact_edit.say_edit(*both)
    rows, source = _choose_answers(db)
    writing = generate_choices.choose_writing(KEY, temperature=TEMPERATURE)
    how = _requested(*both, whole=whole)
    if how is None or not rows:
        return
    asked = _Asked(*both, how, whole, rows, source, model, writing, setting)
    start(Plan(_submission(asked), len(rows), _says(asked)))


def _choose_judge() -> JudgeSetting | None:
    judging = st.toggle(
        "A judge compares them",
        value=True,
        key=f"{KEY}_judging",
        persist_state="session",
        help="The two revisions, blind, at equal length, in both orders, under both versions. You can compare them"
        " yourself below, too.",
    )
    if not judging:
        return None
    return impact_edit.choose_judge(
        KEY, help="Of a drawn principle the edited one is what the judge is asked."
    )


def _choose_answers(db: Database) -> tuple[Sequence[Row], str]:
    """Rows for the job, and where they come from: prompts to be answered, or a run's first answers."""
    runs = {job.id: job for job in work.find(db, kinds=["revise"])}
    there = {id: revisions.count(db, RevisionFilter(job=id)) for id in runs}
    source = st.selectbox(
        "First answers",
        [WRITTEN, *(id for id, n in there.items() if n)],
        format_func=lambda id: (
            f"those of: {shorten(runs[id].title, 50)} · {there[id]} answers"
            if id
            else "written now, once for both versions"
        ),
        key=f"{KEY}_source",
    )
    if source == WRITTEN:
        asked = generate_choices.choose_prompts(db, key=KEY)
        return ([p.to_row() for p in asked.prompts], asked.words) if asked else ((), "")
    most = st.number_input(
        f"Answers, of {there[source]}",
        min_value=1,
        max_value=there[source],
        value=min(there[source], generate_choices.FEW),
        key=f"{KEY}_most_{source}",
    )
    found = revisions.find(db, RevisionFilter(job=source), limit=int(most))
    rows = [
        {"id": r.id, "prompt": r.to_row()["prompt"], "initial": r.initial}
        for r in (item.revision for item in found)
    ]
    return rows, runs[source].title


def _requested(old: Ruling, new: Ruling, *, whole: bool) -> Requested | None:
    """How the edit is asked; None, with the reason shown, where both versions would ask the same."""
    try:
        edit = Edit(old.constitution.check(), new.constitution.check())
        return requested(edit, whole=whole)
    except CaiError as error:
        st.warning(label(str(error), limit=500), icon=":material/help:")
        return None


def _says(asked: _Asked) -> str:
    given = sum("initial" in row for row in asked.rows)
    first = "" if given else ", answered once"
    judge = "" if asked.setting else " Nobody judges them."
    what = {
        "forced": f"each under the edited principle {label(asked.requested.keys[0])} alone"
        if asked.requested.keys
        else "",
        "by hash": f"each under one of {len(asked.requested.keys)} edited principles",
        "whole": "each under the whole constitution",
    }[asked.requested.way]
    return (
        f"**{len(asked.rows)} prompts**{first}, criticised and revised before and after the edit,"
        f" {what}: {4 * len(asked.rows) + len(asked.rows) - given} texts to write.{judge}"
    )


def _submission(asked: _Asked) -> Submission:
    options: dict[str, Any] = {"from": "from.yaml", "to": "to.yaml", "prompts": "input.jsonl"}
    options |= {"model": asked.model, "whole": asked.whole} | asked.writing
    options |= {"no_judge": True} if asked.setting is None else _judge_options(asked.setting)
    return Submission(
        kind=KIND,
        title=f"{shorten(asked.old.title, 40)} → {shorten(asked.new.title, 40)}",
        options=options,
        files={
            "from.yaml": document.dump(asked.old.constitution),
            "to.yaml": document.dump(asked.new.constitution),
            "input.jsonl": list(asked.rows),
        },
        constitution=asked.new.ref,
        config={"from": asked.old.ref.to_row(), "answers_of": asked.source},
    )


def _judge_options(setting: JudgeSetting) -> dict[str, Any]:
    options = judge_choices.job_options(setting)
    return {name: value for name, value in options.items() if name not in ("panel", "combine")}
