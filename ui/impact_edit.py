"""What the impact page compares: two states of one constitution, by judgements or by revisions."""

from collections.abc import Sequence

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.diff import compare
from cai_core.settings import JudgeSetting, Settings, usual_principles
from ui import cards, generate_choices, judge_choices
from ui.choices import Ruling, rulings
from ui.constitution_changes import change_summary, show_changes
from ui.generate_judge import METHODS, PRINCIPLES

WHAT = "impact_what"  # session state: which of these two the page is about
JUDGEMENTS, REVISIONS = "Judgements", "Revisions"
FROM, TO = "impact_from", "impact_to"  # session state: titles of the two states that are compared


def choose_what() -> str:
    """Draw the choice on top of the page."""
    st.session_state.setdefault(WHAT, JUDGEMENTS)
    what = st.segmented_control(
        "What the edit changes",
        [JUDGEMENTS, REVISIONS],
        required=True,
        key=WHAT,
        label_visibility="collapsed",
        persist_state="session",
    )
    return str(what)


def offer_revisions() -> None:
    """The way to the other half, for an edit that no judge sees."""
    st.button(
        "Compare revisions instead",
        key="impact_to_revisions",
        icon=":material/edit_note:",
        on_click=_choose_revisions,
    )


def _choose_revisions() -> None:
    st.session_state[WHAT] = REVISIONS


def versions(db: Database) -> list[Ruling]:
    """What can stand before an edit: whatever was saved."""
    return [found for found in rulings(db) if found.ref.version]


def say_no_version() -> None:
    cards.empty(
        "There is no version to compare",
        "Save a constitution first.",
        page="constitution",
        label="Write a constitution",
    )


def choose_edit(db: Database) -> tuple[Ruling, Ruling] | None:
    """From a saved version to another or to a draft of the same constitution."""
    by_title = {ruling.title: ruling for ruling in rulings(db)}
    new = by_title[st.selectbox("After the edit", list(by_title), key=TO, persist_state="session")]
    before = [r for r in versions(db) if r.ref.name == new.ref.name and r.title != new.title]
    if not before:
        st.caption("This constitution has no other version to compare with.")
        return None
    titles = [ruling.title for ruling in before]
    if st.session_state.get(FROM) not in titles:
        st.session_state[FROM] = _usual_before(before, new).title
    old = st.selectbox("Before the edit", titles, key=FROM, persist_state="session")
    return by_title[old], new


def _usual_before(before: Sequence[Ruling], new: Ruling) -> Ruling:
    """The version just before it; the newest one for a draft."""
    older = [r for r in before if new.ref.version is None or (r.ref.version or 0) < new.ref.version]
    return max(older or before, key=lambda r: r.ref.version or 0)


def say_edit(old: Ruling, new: Ruling) -> None:
    diff = compare(old.constitution, new.constitution)
    with st.expander(f"The edit: {change_summary(diff)}", icon=":material/difference:"):
        show_changes(old.constitution, new.constitution)


def choose_judge(key: str, *, help: str) -> JudgeSetting:
    """One judge, its method, and what it does with principles; the rest is as in the settings."""
    setting = Settings.load().judge
    model = generate_choices.choose_model("Judge", setting.model, key=f"{key}_judge")
    method = st.selectbox(
        "Method",
        list(METHODS),
        index=list(METHODS).index(setting.method),
        format_func=METHODS.__getitem__,
        key=f"{key}_method",
        persist_state="session",
    )
    principles = st.selectbox(
        "Principles",
        list(PRINCIPLES),
        index=list(PRINCIPLES).index(judge_choices.first_principles(setting, model)),
        format_func=PRINCIPLES.__getitem__,
        key=f"{key}_principles_{usual_principles(model)}",
        persist_state="session",
        help=help,
    )
    given = {"model": model, "method": method, "principles": principles, "panel": ()}
    return setting.model_copy(update=given)
