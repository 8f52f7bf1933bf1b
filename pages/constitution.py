"""Write a constitution, try the draft beside it, and save versions."""

import streamlit as st

from ui import cards, frame
from ui.constitution_bar import open_draft
from ui.constitution_history import show_history
from ui.constitution_save import show_save
from ui.draft_clash import show_clash
from ui.principle_cards import show_principles
from ui.try_panel import show_try

with frame.page("constitution") as db:
    draft = open_draft(db)
    if draft is None:
        cards.empty(
            "There is no constitution yet",
            "Make one with **New**, or upload a YAML file. Three to begin with come with"
            " `python -m cai_core init`.",
        )
    else:
        with st.container():  # what follows keeps its place
            show_clash(draft)
        show_save(db, draft)
        principles, history = st.tabs(
            ["Principles", "History"], key="constitution_tab", on_change="rerun"
        )
        if principles.open:
            with principles:
                editor, panel = st.columns([11, 9], gap="medium")
                with editor:
                    show_principles(db, draft)
                with panel:
                    show_try(db, draft)
        if history.open:
            with history:
                show_history(db, draft)
