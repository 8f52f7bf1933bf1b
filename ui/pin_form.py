"""Where prompts and pairs to try come from: typed, of a prompt set, or of the pool of pairs."""

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.schema import Pair, Prompt, user
from cai_core.store import pairs, prompts
from ui import frame
from ui.choices import PROMPTS_SHOWN, prompt_title
from ui.pins import Pin, add_pin
from ui.plain import shorten


def show_pin_form(db: Database) -> None:
    """Three popovers: type one, take a prompt of a set, take a pair."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Pin", width="content")
        with st.popover("Type", icon=":material/edit:"):
            _typed()
        with st.popover("Prompt", icon=":material/chat:"):
            _of_set(db)
        with st.popover("Pair", icon=":material/compare_arrows:"):
            _of_pool(db)


def _typed() -> None:
    st.text_area("Prompt", key="pin_prompt", height=84)
    st.caption("With two answers it is a pair, and is judged; without, it is answered and revised.")
    st.text_area("Answer A", key="pin_a", height=84)
    st.text_area("Answer B", key="pin_b", height=84)
    st.button("Pin it", key="pin_typed", type="primary", on_click=frame.callback(_pin_typed))


def _pin_typed(db: Database) -> None:
    names = ("pin_prompt", "pin_a", "pin_b")
    asked, a, b = (st.session_state[name].strip() for name in names)
    if not asked:
        raise DataError("there is nothing to pin; type a prompt")
    if bool(a) != bool(b):
        raise DataError("a pair needs both answers; fill the other one, or empty both")
    chat = (user(asked),)
    add_pin(Pin(chat, Pair.of(chat, a, b) if a else None))
    for name in names:
        st.session_state[name] = ""


def _of_set(db: Database) -> None:
    names = [found.name for found in prompts.sets(db) if found.n]
    if not names:
        st.caption("There is no prompt set yet.")
        return
    name = st.selectbox("Prompt set", names, key="pin_set")
    found = prompts.of_set(db, name, limit=PROMPTS_SHOWN)
    by_id = {prompt.id: prompt for prompt in found}
    titles = {prompt.id: prompt_title(prompt) for prompt in found}
    chosen = st.multiselect("Prompts", list(titles), format_func=titles.__getitem__, key="pin_some")
    picked = [by_id[one] for one in chosen]
    st.button(
        "Pin them",
        key="pin_prompts",
        type="primary",
        disabled=not picked,
        on_click=frame.callback(_pin_prompts),
        args=(picked,),
    )


def _pin_prompts(db: Database, picked: list[Prompt]) -> None:
    for prompt in picked:
        add_pin(Pin(prompt.messages))


def _of_pool(db: Database) -> None:
    text = st.text_input("Words in it", key="pin_search", placeholder="Search prompts and answers")
    found = pairs.find(db, pairs.PairFilter(text=text), limit=50)
    by_id = {stored.id: stored.pair for stored in found}
    if not by_id:
        st.caption("No pair found.")
        return
    titles = {key: shorten(pair.prompt[-1].content, 90) for key, pair in by_id.items()}
    chosen = st.multiselect("Pairs", list(titles), format_func=titles.__getitem__, key="pin_pairs")
    picked = [by_id[one] for one in chosen]
    st.button(
        "Pin them",
        key="pin_pool",
        type="primary",
        disabled=not picked,
        on_click=frame.callback(_pin_pairs),
        args=(picked,),
    )


def _pin_pairs(db: Database, picked: list[Pair]) -> None:
    for pair in picked:
        add_pin(Pin(pair.prompt, pair))
