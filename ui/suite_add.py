"""Where new cases come from: typed, prompts of a set, stored pairs, or the pins of the Try panel."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.schema import Case, Chat, Constitution, Row, chat_row, user
from cai_core.store import pairs, prompts, suites
from ui import cards, frame, suite_fields
from ui.choices import PROMPTS_SHOWN, prompt_title
from ui.person import person
from ui.pins import pins
from ui.plain import shorten
from ui.review_answers import show_answers

KEY = "suite_new"
_TYPED = (f"{KEY}_prompt", f"{KEY}_a", f"{KEY}_b")
PAIRS_SHOWN = 50


@dataclass(frozen=True)
class Subject:
    """What a case is about: a prompt, or a pair where two answers are given."""

    prompt: Chat
    answers: tuple[str, str] | None = None

    def to_row(self) -> Row:
        row: Row = {"prompt": chat_row(self.prompt)}
        if self.answers:
            row |= {"response_a": self.answers[0], "response_b": self.answers[1]}
        return row


def show(db: Database, name: str, rules: Constitution) -> None:
    """The form; drawn where it is open."""
    panel = st.expander("Add a case", icon=":material/add:", key=f"{KEY}_open", on_change="rerun")
    if not panel.open:
        return
    with panel:
        source = st.segmented_control(
            "From",
            list(_SOURCES),
            default="Type",
            required=True,
            key=f"{KEY}_source",
            label_visibility="collapsed",
        )
        subjects = _SOURCES[source](db)
        typed = source == "Type"
        of_pair = _is_pair(subjects, typed=typed)
        if of_pair is None:
            return
        if len(subjects) == 1 and not typed:
            _preview(subjects[0])
        suite_fields.choose(rules, of_pair=of_pair, key=_key(of_pair))
        if typed or len(subjects) == 1:
            st.text_input(
                "Name",
                key=f"{KEY}_id",
                max_chars=120,
                placeholder="Optional: a short name of its own",
            )
        st.button(
            "Add",
            key=f"{KEY}_add",
            type="primary",
            on_click=frame.callback(_add),
            args=(name, None if typed else subjects, of_pair),
        )


def _key(of_pair: bool) -> str:
    return f"{KEY}_{'pair' if of_pair else 'alone'}"


def _is_pair(subjects: Sequence[Subject], *, typed: bool) -> bool | None:
    """Whether a pair is asked about; None, said so, while nothing or both kinds are chosen."""
    kinds = {bool(subject.answers) for subject in subjects}
    if typed:
        return kinds == {True}
    if len(kinds) == 2:
        st.caption("Choose prompts or pairs, not both: they are held to different things.")
    return kinds.pop() if len(kinds) == 1 else None


def _preview(subject: Subject) -> None:
    cards.conversation(subject.prompt)
    if subject.answers:
        show_answers(*subject.answers)


# -- sources


def _typed(db: Database) -> list[Subject]:
    st.text_area("Prompt", key=_TYPED[0], height=84)
    st.caption("With two answers it is a pair, and is judged; without, it is answered and revised.")
    for column, key, side in zip(st.columns(2), _TYPED[1:], "AB", strict=True):
        with column:
            st.text_area(f"Answer {side}", key=key, height=84)
    return _what_is_typed()


def _what_is_typed() -> list[Subject]:
    asked, a, b = (str(st.session_state.get(key, "")).strip() for key in _TYPED)
    answers = (a, b) if a or b else None
    return [Subject((user(asked),) if asked else (), answers)]


def _of_set(db: Database) -> list[Subject]:
    names = [found.name for found in prompts.sets(db) if found.n]
    if not names:
        st.caption("There is no prompt set yet.")
        return []
    chosen = st.selectbox("Prompt set", names, key=f"{KEY}_set")
    found = prompts.of_set(db, chosen, limit=PROMPTS_SHOWN)
    titles = {prompt.id: prompt_title(prompt) for prompt in found}
    picked = st.multiselect(
        "Prompts", list(titles), format_func=titles.__getitem__, key=f"{KEY}_prompts"
    )
    return [Subject(prompt.messages) for prompt in found if prompt.id in picked]


def _of_pool(db: Database) -> list[Subject]:
    text = st.text_input(
        "Words in it", key=f"{KEY}_search", placeholder="Search prompts and answers"
    )
    found = pairs.find(db, pairs.PairFilter(text=text), limit=PAIRS_SHOWN)
    if not found:
        st.caption("No pair found.")
        return []
    titles = {one.id: shorten(one.pair.prompt[-1].content, 90) for one in found}
    picked = st.multiselect(
        "Pairs", list(titles), format_func=titles.__getitem__, key=f"{KEY}_pairs"
    )
    chosen = [one.pair for one in found if one.id in picked]
    return [Subject(pair.prompt, (pair.response_a, pair.response_b)) for pair in chosen]


def _of_pins(db: Database) -> list[Subject]:
    if not pins():
        st.caption("Nothing is pinned; pin prompts and pairs beside the principles.")
        return []
    titles = {pin.id: shorten(pin.title, 90) for pin in pins()}
    picked = st.multiselect("Pins", list(titles), format_func=titles.__getitem__, key=f"{KEY}_pins")
    chosen = [pin for pin in pins() if pin.id in picked]
    return [
        Subject(pin.prompt, (pin.pair.response_a, pin.pair.response_b) if pin.pair else None)
        for pin in chosen
    ]


_SOURCES: Mapping[str, Callable[[Database], list[Subject]]] = {
    "Type": _typed,
    "Prompt set": _of_set,
    "Stored pairs": _of_pool,
    "Pins": _of_pins,
}


# -- adding


def _add(db: Database, name: str, subjects: list[Subject] | None, of_pair: bool) -> None:
    typed = subjects is None
    about = _what_is_typed() if subjects is None else subjects
    if typed and not about[0].prompt:
        raise DataError("there is nothing to pin; type a prompt")
    if typed and bool(about[0].answers) != of_pair:
        raise DataError("with answers it is a pair, and something else must hold; look at the form")
    held = suite_fields.chosen(_key(of_pair))
    named = str(st.session_state.get(f"{KEY}_id", "")).strip() if len(about) == 1 else ""
    cases = [Case.from_row(subject.to_row() | held | {"id": named}) for subject in about]
    _refuse_taken(db, name, cases)
    suites.put(db, name, cases, by=person())
    for key in (*_TYPED, f"{KEY}_id", f"{_key(of_pair)}_note"):
        st.session_state[key] = ""
    st.toast("Added." if len(cases) == 1 else f"Added {len(cases)} cases.")


def _refuse_taken(db: Database, name: str, cases: Sequence[Case]) -> None:
    there = {event.case.id for event in suites.cases(db, name)}
    taken = [case.id for case in cases if case.id in there]
    if taken:
        raise DataError(f"the suite has a case '{taken[0]}' already; edit that, or choose a name")
