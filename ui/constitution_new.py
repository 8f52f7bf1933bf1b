"""A new constitution: with an empty principle, as a copy, or as a fork of any version."""

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle, Version
from cai_core.store import constitutions
from ui import frame
from ui.draft import Draft, drafts, take_up

_EMPTY = "nothing"


def show_new(saved: list[str]) -> None:
    with st.popover("New", icon=":material/add:"):
        _name("new_name")
        st.selectbox("Begin with", [_EMPTY, *saved], key="new_from", format_func=_from_title)
        st.button("Make it", key="new_make", type="primary", on_click=frame.callback(_make))


def show_fork(version: Version) -> None:
    """Draw the popover that begins another constitution from this version."""
    with st.popover(f"Fork version {version.number}", icon=":material/fork_right:"):
        st.caption("Begins a new constitution from it, under a name of its own.")
        _name("fork_name")
        st.button(
            "Fork it",
            key="fork_make",
            type="primary",
            on_click=frame.callback(_fork),
            args=(version,),
        )


def _name(key: str) -> None:
    st.text_input("Name", key=key, max_chars=60, placeholder="house-rules")


def _from_title(source: str) -> str:
    return "an empty principle" if source == _EMPTY else f"a copy of {source}"


def _make(db: Database) -> None:
    name = _free(db, st.session_state["new_name"])
    source = st.session_state["new_from"]
    if source == _EMPTY:
        take_up(Draft.of(Constitution(name, (Principle("first"),))))
    else:
        take_up(_forked(name, constitutions.newest(db, source)))


def _fork(db: Database, version: Version) -> None:
    take_up(_forked(_free(db, st.session_state["fork_name"]), version))


def _forked(name: str, version: Version) -> Draft:
    copied = version.constitution
    return Draft.of(Constitution(name, copied.principles, copied.description), version)


def _free(db: Database, given: str) -> str:
    name = given.strip()
    if not name:
        raise ConstitutionError("the new constitution has no name; give it one")
    if name in constitutions.names(db) or name in drafts():
        raise ConstitutionError(f"there is a constitution '{name}' already; choose another name")
    return name
