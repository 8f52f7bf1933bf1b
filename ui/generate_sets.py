"""Prompt sets: what is there, a look into one, two ways to bring in more, and a model that writes some."""

from collections import Counter

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.schema import Prompt
from cai_core.store import prompts
from cai_core.store.prompts import PromptSet
from ui import cards, generate_edges, generate_hub, generate_results, generate_upload, job_cards
from ui.plain import shorten

PREVIEW = 100  # prompts
TAGS = 6  # of a set, in the table


def show(db: Database) -> None:
    sets = prompts.sets(db)
    if sets:
        _table(db, sets)
        _look(db, sets)
    else:
        cards.empty(
            "There are no prompt sets yet",
            "Upload a file below. The shipped sets come with `python -m cai_core init`.",
        )
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        st.markdown("**Upload a file**")
        generate_upload.show(db, generate_upload.PROMPTS, name_label="Name of the set")
    with right, st.container(border=True):
        st.markdown("**Take a dataset of the Hub**")
        generate_hub.show(db)
    st.subheader("Write edge cases", anchor=False)
    form, now = st.columns([5, 2], gap="large")
    with form:
        generate_edges.show(db)
    with now:
        job_cards.show_live(("prompts",))
    generate_results.show()


def _table(db: Database, sets: list[PromptSet]) -> None:
    rows = [
        {
            "Set": item.name,
            "Prompts": item.n,
            "Train": item.train,
            "Dev": item.dev,
            "Test": item.test,
            "Tags": _tags(prompts.of_set(db, item.name)),
        }
        for item in sets
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        alt="Prompt sets with their counts and tags",
        column_config={"Tags": st.column_config.ListColumn("Most frequent tags", width="large")},
    )


def _tags(found: list[Prompt]) -> list[str]:
    count = Counter(tag for prompt in found for tag in prompt.tags)
    return [f"{tag} {n}" for tag, n in count.most_common(TAGS)]


def _look(db: Database, sets: list[PromptSet]) -> None:
    panel = st.expander(
        "Look into a set", icon=":material/search:", key="sets_look", on_change="rerun"
    )
    if not panel.open:
        return
    with panel:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox("Set", [item.name for item in sets], key="sets_name", width=240)
            found = prompts.of_set(db, name)
            tags = sorted({tag for prompt in found for tag in prompt.tags})
            tag = st.selectbox(
                "Tag", ["", *tags], format_func=lambda t: t or "All tags", key="sets_tag", width=200
            )
            words = st.text_input("Search", key="sets_text", type="search", width=220)
        kept = [p for p in found if _passes(p, tag, words)]
        st.caption(f"{min(len(kept), PREVIEW)} of {len(kept)} prompts")
        st.dataframe(
            pd.DataFrame([_row(prompt) for prompt in kept[:PREVIEW]]),
            hide_index=True,
            alt="Prompts of the set",
            column_config={"Prompt": st.column_config.TextColumn(width="large")},
        )


def _passes(prompt: Prompt, tag: str, words: str) -> bool:
    text = " ".join(message.content for message in prompt.messages)
    return (not tag or tag in prompt.tags) and words.casefold() in text.casefold()


def _row(prompt: Prompt) -> dict[str, object]:
    return {
        "Prompt": shorten(prompt.messages[-1].content, 500),
        "Turns": len(prompt.messages),
        "Tags": ", ".join(prompt.tags),
        "Split": prompt.split,
    }
