"""The principles of the open draft, edited in place: one card each."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.lint import Finding
from cai_core.schema import Principle
from cai_core.store import accepted
from ui.confirm import confirm
from ui.draft import Draft, change, current
from ui.finding_cards import MARKS, Findings, show_findings
from ui.model_sees import readers, show_model_sees
from ui.plain import label

OPEN_ROWS = "constitution_open_rows"  # session state: ids of the cards that are open
_WORDINGS = (
    (
        "text",
        "Comparison wording",
        "What the judge is asked of two answers. Left empty, it is made from the critique request.",
    ),
    (
        "critique",
        "Critique request",
        "What the model is asked to find in its answer. Left empty, it is made from the wording.",
    ),
    (
        "revision",
        "Revision request",
        "How the model is asked to rewrite its answer. Left empty, a general request is used.",
    ),
)


def show_principles(db: Database, draft: Draft) -> None:
    """Draw what lint says of the whole, then every principle with what it says of it."""
    constitution, by = draft.constitution, readers()
    findings = Findings.of(constitution, by.window, accepted.standing(db, draft.name))
    st.caption(f":material/rule: {findings.total()}")
    show_findings(findings, "", place="whole")
    for place, (row, principle) in enumerate(draft.rows):
        # Its title is part of a card's identity: it would close when a wording in it changes.
        st.session_state[f"card_{row}"] = row in _open_rows()
        title = _title(place, principle, findings.open(principle.key))
        card = st.expander(title, key=f"card_{row}", on_change=_toggle, args=(row,))
        if card.open:
            with card:
                show_findings(findings, principle.key, place=row)
                _fields(row, principle)
                show_model_sees(row, principle, constitution, by)
                _actions(row, place, len(draft.rows))
    st.button(
        "Add a principle",
        key="add_principle",
        icon=":material/add:",
        on_click=_add,
        width="content",
    )


def _open_rows() -> set[str]:
    return st.session_state.setdefault(OPEN_ROWS, set())  # type: ignore[no-any-return]


def _toggle(row: str) -> None:
    _open_rows().symmetric_difference_update({row})


def _title(place: int, principle: Principle, findings: Sequence[Finding]) -> str:
    mark = ":material/toggle_off: " if not principle.enabled else ""
    worst = findings[0].level if findings else "note"
    mark += f"{MARKS[worst]} " if worst != "note" else ""
    wording = principle.text or principle.critique or "no wording yet"
    return f"{mark}{place + 1}. **{label(principle.key)}** · {label(wording, limit=max(16, 56 - len(principle.key)))}"


def _fields(row: str, principle: Principle) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Key", principle.key, width="stretch", **_wired(row, "key"))
        st.number_input(
            "Weight",
            value=principle.weight,
            min_value=0.0,
            step=0.5,
            format="%.2f",
            width=120,
            help="How often it is drawn, and how much its vote counts.",
            **_wired(row, "weight"),
        )
        st.toggle("Enabled", principle.enabled, **_wired(row, "enabled"))
    for field, title, help_ in _WORDINGS:
        value = getattr(principle, field)
        st.text_area(title, value, help=help_, height=84, **_wired(row, field))
    if principle.source:
        st.caption("Source passage")
        st.text(principle.source)
    st.multiselect(
        "Tags",
        options=sorted(_known_tags() | set(principle.tags)),
        default=list(principle.tags),
        accept_new_options=True,
        placeholder="Choose or type",
        **_wired(row, "tags"),
    )


def _wired(row: str, field: str) -> dict[str, Any]:
    """Key and callback of an input that writes its value into the draft."""
    key = f"principle_{row}_{field}"
    return {"key": key, "on_change": _edit, "args": (row, field, key)}


def _edit(row: str, field: str, key: str) -> None:
    value = st.session_state[key]
    if field == "tags":
        value = tuple(value)
    elif field == "key":
        value = value.strip()
    change(lambda draft: draft.edit(row, **{field: value}))


def _known_tags() -> set[str]:
    return {tag for _, principle in current().rows for tag in principle.tags}


def _actions(row: str, place: int, n: int) -> None:
    steps: tuple[tuple[str, str, Callable[[Draft], Draft], bool], ...] = (
        ("Move up", "arrow_upward", lambda draft: draft.move(row, -1), place == 0),
        ("Move down", "arrow_downward", lambda draft: draft.move(row, 1), place == n - 1),
        ("Duplicate", "content_copy", lambda draft: draft.duplicate(row), False),
    )
    with st.container(horizontal=True):
        for title, icon, step, disabled in steps:
            st.button(
                title,
                key=f"{icon}_{row}",
                icon=f":material/{icon}:",
                type="tertiary",
                disabled=disabled,
                on_click=change,
                args=(step,),
            )
        if st.button("Delete", key=f"delete_{row}", icon=":material/delete:", type="tertiary"):
            _ask_to_delete(row)


def _ask_to_delete(row: str) -> None:
    principle = dict(current().rows)[row]
    confirm(
        "Delete this principle?",
        f"{principle.key}: {principle.text or principle.critique}",
        button="Delete",
        on_click=change,
        args=(lambda draft: draft.delete(row),),
    )


def _add() -> None:
    change(Draft.add)
    _open_rows().add(current().rows[-1][0])
