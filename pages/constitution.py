"""Write a constitution, try the draft beside it, and save versions."""

import streamlit as st

from ui import cards, frame, suite_run
from ui.constitution_bar import open_draft
from ui.constitution_candidates import show_candidates
from ui.constitution_history import show_history
from ui.constitution_save import show_save
from ui.draft_clash import show_clash
from ui.evidence import show_evidence
from ui.principle_cards import show_principles
from ui.suite import show_suite
from ui.try_panel import show_try

with frame.page("constitution") as db:
    draft = open_draft(db)
    if show_candidates(db):
        pass
    elif draft is None:
        cards.empty(
            "There is no constitution yet",
            "Make one with **New**, or upload a file. Three to begin with come with"
            " `python -m cai_core init`.",
        )
    else:
        with st.container():  # what follows keeps its place
            show_clash(draft)
        show_save(db, draft)
        with st.container():
            suite_run.say_standing(db, draft)
        principles, evidence, suite, history = st.tabs(
            ["Principles", "Evidence", "Suite", "History"],
            key="constitution_tab",
            on_change="rerun",
        )
        if principles.open:
            with principles:
                editor, panel = st.columns([11, 9], gap="medium")
                with editor:
                    show_principles(db, draft)
                with panel:
                    show_try(db, draft)
        if evidence.open:
            with evidence:
                show_evidence(db, draft)
        if suite.open:
            with suite:
                show_suite(db, draft)
        if history.open:
            with history:
                show_history(db, draft)
