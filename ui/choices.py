"""What a person chooses before a model is asked: the model, the constitution, the prompt."""

from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import ConstitutionError
from cai_core.models import catalogue
from cai_core.schema import Chat, Constitution, ConstitutionRef, Message, Prompt, user
from cai_core.settings import BUILTIN, Settings
from cai_core.store import constitutions, prompts
from ui.draft import Draft, drafts
from ui.plain import label, shorten

PROMPTS_SHOWN = 500


@dataclass(frozen=True)
class Ruling:
    """A constitution to judge or revise under: a saved version, or a draft of this session.

    `fault` says why a draft cannot be used.
    """

    title: str
    constitution: Constitution
    ref: ConstitutionRef
    fault: str = ""


def ruling_of(draft: Draft, title: str) -> Ruling:
    """A draft as it stands, usable or not."""
    fault = ""
    try:
        rules = Constitution.from_row(draft.constitution.to_row()).check()
    except ConstitutionError as error:
        rules, fault = draft.constitution, str(error)
    return Ruling(title, rules, ConstitutionRef.of(rules), fault)


def choose_model(title: str, *, key: str, chosen: str = "", help: str | None = None) -> str:
    """A model's id; those that can be used stand first."""
    known = catalogue.known(Settings.load())
    notes = {info.id: info.note for info in known}
    unready = {info.id for info in known if not info.ready}
    ids = sorted(notes, key=lambda name: (name in unready, name != chosen))
    model_id: str = st.selectbox(title, ids, key=key, help=help, persist_state="session")
    if model_id in unready:
        st.caption(f":orange[:material/warning:] {label(notes[model_id], limit=160)}")
    elif model_id == BUILTIN:
        st.caption(label(notes[model_id]))
    return model_id


def rulings(db: Database) -> list[Ruling]:
    """Unsaved drafts first, then every version of every constitution, newest first."""
    found = [ruling_of(d, f"{d.name}, unsaved draft") for d in drafts().values() if d.unsaved]
    for name in constitutions.names(db):
        for version in constitutions.versions(db, name):
            found.append(Ruling(version.title, version.constitution, version.ref))
    return found


def choose_ruling(db: Database, title: str, *, key: str) -> Ruling | None:
    """A constitution's version or draft; None where there is none."""
    by_title = {ruling.title: ruling for ruling in rulings(db)}
    if not by_title:
        return None
    if st.session_state.get(key) not in by_title:
        st.session_state[key] = next(iter(by_title))
    return by_title[st.selectbox(title, list(by_title), key=key, persist_state="session")]


def prompt_picker(db: Database, *, key: str, into: str) -> None:
    """A popover that puts a prompt of a set into the text area with the key `into`."""
    names = [found.name for found in prompts.sets(db) if found.n]
    with st.popover("From a set", icon=":material/list:", disabled=not names):
        if not names:
            return
        name = st.selectbox("Prompt set", names, key=f"{key}_set", persist_state="session")
        found = prompts.of_set(db, name, limit=PROMPTS_SHOWN)
        titles = {prompt.id: prompt_title(prompt) for prompt in found}
        chosen = st.selectbox(
            "Prompt", list(titles), format_func=titles.__getitem__, key=f"{key}_prompt", index=None
        )
        by_id = {prompt.id: prompt for prompt in found}
        st.button(
            "Use it",
            key=f"{key}_use",
            type="primary",
            disabled=chosen is None,
            on_click=_use,
            args=(into, by_id[chosen] if chosen else None),
        )


def _use(into: str, prompt: Prompt | None) -> None:
    if prompt is not None:
        st.session_state[into] = prompt.messages[-1].content
        st.session_state[before_key(into)] = prompt.messages[:-1]


def prompt_title(prompt: Prompt) -> str:
    return shorten(prompt.messages[-1].content, 90)


def before_key(into: str) -> str:
    """Where the turns before the typed one are kept."""
    return f"{into}_before"


def typed_prompt(into: str, *, system: str = "") -> Chat | None:
    """The conversation to be answered: system prompt, earlier turns, what is typed; None if empty."""
    text = str(st.session_state.get(into, "")).strip()
    if not text:
        return None
    before: Chat = st.session_state.get(before_key(into), ())
    head: Chat = (Message("system", system.strip()),) if system.strip() else ()
    return (*head, *before, user(text))
