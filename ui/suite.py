"""The suite of a constitution: pinned cases with what must hold, run like the tests of code."""

import streamlit as st
from sqlite_utils import Database

from cai_core.settings import Settings
from ui import cards, suite_add, suite_cases, suite_files, suite_matrix, suite_run
from ui.choices import Ruling, choose_model
from ui.draft import Draft
from ui.suite_board import Board, asking_now

_NOTE = (
    "Cases say what must hold, and tell when an edit breaks it. They were chosen by hand, so they are"
    " for regressions and never evidence: how many pass measures nothing."
)


def show_suite(db: Database, draft: Draft) -> None:
    """Draw what the suite is run on, its cases with their marks, and the versions side by side."""
    st.caption(_NOTE)
    where, who = st.columns(2)
    with who:
        base = Settings.load().base_model
        model = choose_model(
            "Model", key=suite_run.MODEL, chosen=base, help="Who answers and revises prompts."
        )
    board = Board.of(db, draft, asking_now(model))
    with where:
        target = _choose_target(board)
    if board.cases:
        suite_run.show_run(db, board, target)
    else:
        cards.empty(
            "There are no cases yet",
            "Add a prompt or a pair with what must hold, or import a suite file. Then run them on the"
            " draft after every edit.",
        )
    with st.container(horizontal=True, vertical_alignment="top"):
        suite_files.show(board, draft.name)
    suite_add.show(db, draft.name, target.constitution)
    if board.cases:
        suite_cases.show(db, board, target)
        suite_cases.show_removed(db, draft.name)
        suite_matrix.show(board)
    else:
        suite_cases.show_removed(db, draft.name)


def _choose_target(board: Board) -> Ruling:
    """The draft or a version; the newest first."""
    by_title = {target.title: target for target in board.targets}
    if st.session_state.get("suite_target") not in by_title:
        st.session_state["suite_target"] = next(iter(by_title))
    chosen = st.selectbox("Run on", list(by_title), key="suite_target")
    return by_title[chosen]
