"""Buttons that keep what was made in the playground: a prompt, a revision, a judged pair."""

from collections.abc import Callable
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.schema import Chat, Label, Prompt, Revision
from cai_core.store import labels, prompts, revisions
from ui import frame, plain

SOURCE = "playground"
_OTHER = "a new set …"


def keep_prompt(db: Database, chat: Chat, *, key: str) -> None:
    """A popover that puts the prompt into a set."""
    names = [found.name for found in prompts.sets(db)]
    with st.popover("Keep the prompt", icon=":material/playlist_add:"):
        chosen = st.selectbox("Prompt set", [*names, _OTHER], key=f"{key}_set")
        if chosen == _OTHER:
            st.text_input("Name of the new set", key=f"{key}_name", max_chars=60)
        st.button(
            "Keep",
            key=f"{key}_keep",
            type="primary",
            on_click=frame.callback(_keep_prompt),
            args=(chat, chosen, f"{key}_name"),
        )


def _keep_prompt(db: Database, chat: Chat, chosen: str, name_key: str) -> None:
    name = st.session_state.get(name_key, "").strip() if chosen == _OTHER else chosen
    if not name:
        raise DataError("the new prompt set has no name; give it one")
    new = prompts.add(db, [Prompt.of(chat, source=SOURCE)], set_name=name)
    shown = plain.label(name)
    st.toast(f"Kept in {shown}." if new else f"It stands in {shown} already.")


def keep_revision(revision: Revision, *, key: str) -> None:
    """A button that puts the revision into the pool for supervised training."""
    _button(
        "Keep the revision",
        key,
        _keep_revision,
        revision,
        disabled=not revision.rounds,
        help="Into the pool that supervised training is curated from.",
    )


def _keep_revision(db: Database, revision: Revision) -> None:
    new = revisions.add_many(db, [revision], job=SOURCE)
    st.toast("Kept among the revisions." if new else "It was kept already.")


def keep_judgement(label: Label, *, key: str) -> None:
    """A button that puts the pair and its judgement into the pool of pairs."""
    _button(
        "Keep the pair and its judgement",
        key,
        _keep_judgement,
        label,
        help="Into the pool of pairs, for review and the reward model.",
    )


def _keep_judgement(db: Database, label: Label) -> None:
    new = labels.add_many(db, [label], job=SOURCE, source=SOURCE)
    st.toast("Kept among the pairs." if new else "It was kept already.")


def _button(title: str, key: str, step: Callable[..., None], value: Any, **more: Any) -> None:
    st.button(
        title,
        key=key,
        icon=":material/bookmark_add:",
        on_click=frame.callback(step),
        args=(value,),
        **more,
    )
