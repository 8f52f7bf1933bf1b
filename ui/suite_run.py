"""Run a suite on a draft or a version, as a job, and see how far it is."""

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.document import dump
from cai_core.errors import CaiError, ConstitutionError
from cai_core.evaluate import suite_file
from cai_core.evaluate.suite import check_cases
from cai_core.jobs import queue
from cai_core.jobs.queue import Submission
from cai_core.schema import ConstitutionRef
from cai_core.settings import Settings
from cai_core.store import suites, work
from cai_core.store.work import Job
from ui import frame, job_cards, judge_choices
from ui.choices import Ruling
from ui.draft import Draft
from ui.person import person
from ui.plain import label
from ui.suite_board import Board, asking_now

KIND = "suite"
MODEL = "suite_model"  # session state: who answers and revises


def newest_job(db: Database, name: str) -> Job | None:
    """The newest suite job of a constitution."""
    for job in work.find(db, kinds=[KIND]):
        ref = ConstitutionRef.from_row(job.config.get("constitution"))
        if ref and ref.name == name:
            return job
    return None


def submission(board: Board, target: Ruling) -> Submission:
    """The job that runs the suite on a target.

    Raises:
        ConstitutionError: the draft cannot be used. DataError: no case is enabled.
    """
    if target.fault:
        raise ConstitutionError(target.fault)
    check_cases(board.cases, place=f"the suite of {target.ref.name}")
    asking = board.asking
    options = {"suite": "suite.yaml", "model": asking.model}
    return Submission(
        kind=KIND,
        title=f"Suite of {target.ref.name} on {target.title}",
        options=options | judge_choices.job_options(asking.setting),
        files={
            "constitution.yaml": dump(target.constitution),
            "suite.yaml": suite_file.dump(board.cases),
        },
        constitution=target.ref,
    )


def show_run(db: Database, board: Board, target: Ruling) -> None:
    """The button, and what it will do."""
    job = newest_job(db, target.ref.name)
    busy = job is not None and job.state not in work.ENDED
    enabled = sum(case.enabled for case in board.cases)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "It waits or runs already" if busy else f"Run on {target.title}",
            key="suite_start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=busy or not enabled or bool(target.fault),
            on_click=frame.callback(_start),
            args=(board, target),
        )
        judge = judge_choices.judge_words(board.asking.setting.annotator)
        st.caption(
            f"{enabled} case{'' if enabled == 1 else 's'}. Pairs are judged by {judge} as in the settings; prompts are answered and"
            " revised once, greedily.",
            width="stretch",
        )
    if any(case.enabled and case.answers for case in board.cases):
        judge_choices.say_builtin(board.asking.setting)
    if target.fault:
        st.caption(f":orange[:material/warning:] {label(target.fault, limit=300)}")
    if job is not None and job.state != "succeeded":
        _progress(job.id, busy)


def _start(db: Database, board: Board, target: Ruling) -> None:
    """Queue it, once: a second click finds it under way."""
    job = newest_job(db, target.ref.name)
    if job is None or job.state in work.ENDED:
        queue.submit(db, submission(board, target), by=person())
        st.toast("Queued. It goes on when you close this page.", icon=":material/schedule:")


@frame.fragment(run_every="2s")
def _progress(db: Database, job_id: str, was_busy: bool) -> None:
    """The job while it is under way; the page is drawn anew when it has ended."""
    job = work.get(db, job_id)
    if was_busy and job.state in work.ENDED:
        st.rerun()
    job_cards.card(job)


def say_standing(db: Database, draft: Draft) -> None:
    """Under the save bar: how the suite went on what is open; nothing where there is no case."""
    if not suites.cases(db, draft.name):
        return
    model = str(st.session_state.get(MODEL) or Settings.load().base_model)
    try:
        board = Board.of(db, draft, asking_now(model))
    except CaiError as error:  # the editor beside it must not go with it
        st.caption(f":orange[:material/warning:] {label(str(error), limit=200)}")
        return
    target = board.targets[0]
    said = board.counts(target) or "no case is enabled"
    st.caption(f":material/checklist: Suite on {target.title}: {said}.")
