"""One answer: which principles does it violate, and why."""

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.errors import DataError, ModelError
from cai_core.feedback.violations import Case, Violation, find_violations
from cai_core.settings import Settings
from ui import cards, live, principle_from
from ui.choices import Ruling, choose_model, choose_ruling, prompt_picker, typed_prompt
from ui.keep import keep_prompt
from ui.plain import label
from ui.principle_from import Subject
from ui.seen import show_seen

ASK, ANSWER = "single_ask", "single_answer"
FOUND = "single_found"  # session state: the findings on screen
_ALL = "all enabled principles"

Found = dict[str, Violation | ModelError]


def show_single(db: Database) -> None:
    """Draw the answer, what it is held against, and what was found."""
    st.text_area("What is asked", key=ASK, height=80, persist_state="session")
    prompt_picker(db, key="single_pick", into=ASK)
    st.text_area("The answer", key=ANSWER, height=140, persist_state="session")
    model, ruling_, principle = st.columns(3)
    with model:
        model_id = choose_model(
            "Who reads it", key="single_model", chosen=Settings.load().judge.model
        )
    with ruling_:
        ruling = choose_ruling(db, "Constitution", key="single_ruling")
    if ruling is None:
        cards.empty(
            "There is no constitution yet",
            "Write one first; the answer is held against its principles.",
            page="constitution",
            label="Write a constitution",
        )
        return
    keys = [p.key for p in ruling.constitution.enabled]
    chosen = principle.selectbox("Principle", [_ALL, *keys], key="single_principle")
    if st.button("Does it violate them?", key="single_start", type="primary"):
        _ask(db, model_id, ruling, keys if chosen == _ALL else [chosen])
    _show_found(db)
    prompt, answer = typed_prompt(ASK), str(st.session_state.get(ANSWER, "")).strip()
    if prompt is not None and answer:
        principle_from.offer(db, Subject(prompt, answer), key="single")


def _ask(db: Database, model_id: str, ruling: Ruling, keys: list[str]) -> None:
    prompt = typed_prompt(ASK)
    answer = str(st.session_state.get(ANSWER, "")).strip()
    if prompt is None or not answer:
        raise DataError("there is nothing to read; type a prompt and an answer")
    cases = [Case(prompt, answer, ruling.constitution.principle(key)) for key in keys]
    with live.interactive(db), st.spinner("Reading …"):
        found = find_violations(cases, live.model(model_id))
        # Kept before the spinner is cleared: there a click elsewhere ends this run of the script.
        st.session_state[FOUND] = dict(zip(keys, found, strict=True))


def _show_found(db: Database) -> None:
    found: Found = st.session_state.get(FOUND, {})
    if not found:
        st.caption("For each principle: how likely it is violated, and why.")
        return
    answers = {key: v for key, v in found.items() if isinstance(v, Violation)}
    rows = [
        {"Principle": key, "Violated": v.p, "Why": v.reason}
        for key, v in sorted(answers.items(), key=lambda item: -item[1].p)
    ]
    if rows:
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            alt="Principles by how likely the answer violates them",
            column_config={
                "Principle": st.column_config.TextColumn(width="small"),
                "Violated": st.column_config.ProgressColumn(
                    format="%.2f", min_value=0.0, max_value=1.0, width="small"
                ),
                "Why": st.column_config.TextColumn(width="large"),
            },
        )
    for key, error in found.items():
        if isinstance(error, ModelError):
            st.warning(f"{label(key)}: {label(str(error), limit=400)}", icon=":material/help:")
    chats = {key: v.asked for key, v in answers.items()}
    chats |= {f"{key}, and why": v.asked_why for key, v in answers.items()}
    show_seen(chats, key="single_seen")
    if answers:
        prompt = typed_prompt(ASK)
        if prompt:
            keep_prompt(db, prompt, key="single_keep_prompt")
