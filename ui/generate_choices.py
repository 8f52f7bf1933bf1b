"""What a generating job works on: prompts of a set, a model, a constitution's version."""

from dataclasses import dataclass
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.models import catalogue
from cai_core.schema import SPLITS, Prompt, Split, Version
from cai_core.settings import Settings
from cai_core.store import constitutions, prompts
from cai_core.store.prompts import PromptSet
from ui import cards, menu
from ui.plain import label, shorten

FEW = 24  # prompts at first: minutes on a laptop, enough to see what comes out
TOKENS = 256  # of one answer: holds most answers of the hh dialogues


@dataclass(frozen=True)
class Asked:
    """The prompts that a job is given, and where they come from."""

    set_name: str
    split: Split | None
    prompts: tuple[Prompt, ...]

    @property
    def words(self) -> str:
        split = f", {self.split}" if self.split else ""
        return f"{self.set_name}{split}"


def choose_prompts(db: Database, *, key: str) -> Asked | None:
    """Choose a set, a split and a number; None, with a way out shown, where there is no prompt."""
    found = [item for item in prompts.sets(db) if item.n]
    if not found:
        cards.empty(
            "There are no prompts yet",
            "Upload a file under **Prompt sets** on this page. The shipped sets come with"
            " `python -m cai_core init`.",
        )
        return None
    chosen = st.selectbox(
        "Prompt set", found, format_func=_set_name, key=f"{key}_set", persist_state="session"
    )
    left, right = st.columns(2)
    with left:
        split = st.selectbox(
            "Split",
            ["train", "dev", "test", "all"],
            key=f"{key}_split",
            persist_state="session",
            help="Train on train, choose on dev, report on test.",
        )
    there = chosen.n if split == "all" else getattr(chosen, split)
    with right:
        most = st.number_input(
            f"Prompts, of {there}",
            min_value=1,
            max_value=max(there, 1),
            value=max(1, min(there, FEW)),
            key=f"{key}_most_{split}_{chosen.name}",
            disabled=there == 0,
        )
    given: Split | None = split if split in SPLITS else None
    asked = prompts.of_set(db, chosen.name, split=given, limit=int(most)) if there else []
    if not asked:
        st.caption("This split of the set is empty; choose another one.")
        return None
    return Asked(chosen.name, given, tuple(asked))


def _set_name(item: PromptSet) -> str:
    return f"{item.name} · {item.n} prompts"


def choose_model(name: str, first: str, *, key: str, help: str | None = None) -> str:
    """Choose any model that can write; `first` stands first, finished runs are among them."""
    known = {item.id: item for item in catalogue.known(Settings.load())}
    ids = sorted(known, key=lambda model_id: model_id != first)
    chosen = st.selectbox(
        name,
        ids,
        format_func=lambda model_id: _model_name(model_id, known[model_id].note),
        key=key,
        help=help,
        persist_state="session",
    )
    if not known[chosen].ready:
        st.caption(f"This model is not ready: {label(known[chosen].note, limit=200)}")
        menu.link("settings", "Look at the models")
    return chosen


def choose_writing(key: str, *, temperature: float | None = None) -> dict[str, Any]:
    """Options of how the model writes; a temperature is offered where a default is given."""
    given: dict[str, Any] = {}
    with st.expander("More settings", icon=":material/tune:"):
        if temperature is not None:
            given["temperature"] = st.number_input(
                "Temperature",
                0.1,
                2.0,
                temperature,
                0.1,
                key=f"{key}_temperature",
                persist_state="session",
            )
        given["max_new_tokens"] = int(
            st.number_input(
                "Tokens an answer, at most",
                16,
                4096,
                TOKENS,
                key=f"{key}_tokens",
                persist_state="session",
            )
        )
        given["seed"] = int(
            st.number_input("Seed", 0, 2**31 - 1, 0, key=f"{key}_seed", persist_state="session")
        )
    return given


def _model_name(model_id: str, note: str) -> str:
    return f"{model_id} · {shorten(note, 50)}" if note else model_id


def choose_version(db: Database, *, key: str) -> Version | None:
    """Choose a constitution and its version; None, with a way out shown, where there is none."""
    names = constitutions.names(db)
    if not names:
        cards.empty(
            "There is no constitution yet",
            "This job asks under a saved constitution.",
            page="constitution",
            label="Write one",
        )
        return None
    left, right = st.columns(2)
    with left:
        name = st.selectbox(
            "Constitution", names, key=f"{key}_constitution", persist_state="session"
        )
    with right:
        return st.selectbox(
            "Version",
            constitutions.versions(db, name),
            format_func=lambda v: f"{v.number} · {shorten(v.message, 40) or 'no message'}",
            key=f"{key}_version_{name}",
        )
