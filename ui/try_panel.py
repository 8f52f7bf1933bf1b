"""Prompts and pairs that are tried on the unsaved draft, beside the editor."""

import streamlit as st
from sqlite_utils import Database

from ui.draft import Draft


def show_try(db: Database, draft: Draft) -> None:
    """Draw the pinned prompts and pairs."""
    st.subheader("Try the draft", anchor=False)
