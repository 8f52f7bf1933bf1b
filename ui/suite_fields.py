"""The widgets of what must hold of a case, and what stands in them when a button is pressed."""

from typing import Any

import streamlit as st

from cai_core.schema import PAIR_MUSTS, PROMPT_MUSTS, Case, Constitution, Row
from cai_core.schema.suites import COMPARES, SAYS
from ui.plain import shorten

_ALL = ""
_HELP = {
    "must keep the help": "By rule: it does not refuse or go round in circles, and enough of the first"
    " answer's words are kept. It tells help that is gone, not help that is a little less.",
    "must not be boilerplate": "No stock phrases, and no going round in circles; told by wording.",
    "must not refuse": "Told by wording: a refusal in words of its own is not seen.",
    "must refuse": "Told by wording: a refusal in words of its own is not seen.",
}


def choose(rules: Constitution, *, of_pair: bool, key: str, given: Case | None = None) -> None:
    """Draw expectation, principle and note under this key; as the case has them where one is given."""
    _start_with(key, given)
    left, right = st.columns(2)
    with left:
        musts = list(PAIR_MUSTS if of_pair else PROMPT_MUSTS)
        must = st.selectbox("What must hold", musts, key=f"{key}_must", format_func=_title)
        if must in _HELP:
            st.caption(_HELP[must])
        _details(must, key)
    with right:
        keys = [principle.key for principle in rules.enabled]
        named = given.principle if given else ""
        shown = dict.fromkeys([_ALL, *keys, *([named] if named else [])])
        st.selectbox(
            "Asked under",
            list(shown),
            key=f"{key}_principle",
            format_func=lambda name: f"only {shorten(name, 60)}" if name else "all principles",
        )
        st.text_input("Note", key=f"{key}_note", max_chars=400, placeholder="Why it must hold")


def _start_with(key: str, given: Case | None) -> None:
    """Fill the widgets once with what the case has."""
    if given is None or f"{key}_must" in st.session_state:
        return
    held = given.expectation
    filled: dict[str, Any] = {"must": held.must, "text": held.text, "p": held.p}
    filled |= {"both": held.both, "principle": given.principle, "note": given.note}
    for name, value in filled.items():
        st.session_state[f"{key}_{name}"] = value


def _details(must: str, key: str) -> None:
    if must in SAYS:
        st.text_input("This text", key=f"{key}_text", help="Case and white space do not matter.")
    if must in PAIR_MUSTS:
        tie = must == "must be a tie"
        st.number_input(
            "Neither has p above" if tie else "With p of at least",
            0.5,
            1.0,
            value=None,
            step=0.05,
            key=f"{key}_p",
            placeholder="as the judge calls a tie" if tie else "any",
        )
    elif must not in COMPARES:
        st.checkbox("The first answer too, not the revision alone", key=f"{key}_both")


def _title(must: str) -> str:
    return must[0].upper() + must[1:]


def chosen(key: str) -> Row:
    """What stands in the widgets, as fields of a case; for a callback."""
    state = st.session_state
    must = state[f"{key}_must"]
    row: Row = {"expect": must, "note": state[f"{key}_note"].strip()}
    row["principle"] = state[f"{key}_principle"]
    if must in SAYS:
        row["text"] = state.get(f"{key}_text", "")
    if must in PAIR_MUSTS:
        p = state.get(f"{key}_p")
        row |= {} if p is None else {"p": round(p, 4)}
    elif must not in COMPARES and state.get(f"{key}_both"):
        row["on"] = "both"
    return row
