"""A dialog that asks before something is destroyed."""

from collections.abc import Callable
from typing import Any

import streamlit as st


def confirm(
    title: str, says: str, *, button: str, on_click: Callable[..., None], args: tuple[Any, ...] = ()
) -> None:
    """Open the dialog; `on_click(*args)` runs where the person agrees. `says` may quote anybody."""

    @st.dialog(title)
    def ask() -> None:
        st.text(says)
        with st.container(horizontal=True):
            if st.button(button, type="primary", key="confirm_yes", on_click=on_click, args=args):
                st.rerun()
            if st.button("Cancel", key="confirm_no"):
                st.rerun()

    ask()
