"""Helpful answers one at a time: those that a person keeps or edits enter supervised data, rejected ones do not."""

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st
from sqlite_utils import Database

from cai_core.curate.formats import Answer
from cai_core.store import helpful
from cai_core.store.decisions import DecisionEvent
from ui import curate_recipe, frame, menu, review_decisions
from ui.review_card import Box, Nothing, Row, plain_parts, turns_of
from ui.review_decisions import Shelf

_DONE = {"Not decided yet": False, "Decided": True, "All": None}


@frame.fragment
def show(db: Database) -> None:
    """The whole tab."""
    with st.container(horizontal=True, vertical_alignment="center"):
        done = st.selectbox(
            "Which", list(_DONE), key="helpful_done", width=180, label_visibility="collapsed"
        )
        st.caption(
            "Helpful answers keep a model from refusing everything. All but rejected ones can enter"
            " supervised data, edited ones as edited."
        )
    answers = {one.id: one for one in curate_recipe.shipped_answers()}
    shelf = Shelf(
        kind="helpful",
        log=helpful,
        made_for=done,
        ids=partial(_ids, db, answers, _DONE[done]),
        rows=partial(_rows, db, answers),
        question="Is this a good answer to learn from?",
        nothing=Nothing(
            "Nothing is left here", "Choose others above, or build a dataset from what was kept."
        ),
    )
    review_decisions.show(db, shelf)
    decided = helpful.decisions(db).keys() & answers.keys()
    st.progress(len(decided) / len(answers), text=f"{len(decided)} of {len(answers)} decided")
    menu.link("curate", "Build the SFT dataset")


def _ids(db: Database, answers: Mapping[str, Answer], done: bool | None) -> list[str]:
    decided = helpful.decisions(db)
    return [key for key in answers if done is None or (key in decided) == done]


def _rows(db: Database, answers: Mapping[str, Answer], ids: Sequence[str]) -> tuple[Row, ...]:
    decided = helpful.decisions(db)
    return tuple(_row(answers[key], decided.get(key)) for key in ids if key in answers)


def _row(one: Answer, decision: DecisionEvent | None) -> Row:
    corrected = decision.text if decision and decision.verdict == "correct" else ""
    boxes = [Box("The answer", plain_parts(one.text))]
    if corrected:
        boxes.append(Box("As corrected", plain_parts(corrected)))
    return Row(
        id=one.id,
        turns=turns_of(one.prompt.messages),
        boxes=tuple(boxes),
        badges=(*review_decisions.badge_of(decision), *one.prompt.tags),
        note=f"{len(one.text.split())} words",
        starts=(("Begin with the answer", corrected or one.text),),
    )
