"""The principles of the open draft, edited in place: one card each, under headings where asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.lint import Finding
from cai_core.schema import Principle
from cai_core.store import accepted
from ui import shortcuts
from ui.confirm import confirm
from ui.draft import Draft, change, current
from ui.finding_cards import MARKS, DraftFindings, show_findings
from ui.model_sees import Readers, readers, show_model_sees
from ui.plain import label
from ui.principle_fields import show_fields, show_place
from ui.principle_toolbar import OPEN_ROWS, open_rows, show_search, show_toolbar
from ui.principle_view import View, show_too, view_of

__all__ = ["OPEN_ROWS", "show_principles"]

_OPENED = "constitution_opened"  # session state: {row: its key when its card was opened}


@dataclass(frozen=True)
class _Sheet:
    """What every card looks at."""

    draft: Draft
    view: View
    findings: DraftFindings
    by: Readers


def show_principles(db: Database, draft: Draft) -> None:
    """Draw what lint says of the whole, then every principle that is sought, with what it says of it."""
    by = readers()
    findings = DraftFindings.of(draft.constitution, by.window, accepted.standing(db, draft.name))
    with st.container(gap="small"):  # what follows keeps its place, however much there is to say
        st.caption(f":material/rule: {findings.total()}")
        show_findings(findings, "", place="whole")
    show_search()
    sheet = _Sheet(draft, view_of(draft), findings, by)
    show_toolbar(draft, sheet.view)
    principles = dict(draft.rows)
    places = {row: at for at, (row, _) in enumerate(draft.rows)}
    for group in sheet.view.groups:
        if group.heading:
            n = len(group.rows)
            st.markdown(f"**{label(group.heading)}** · {n} principle{'' if n == 1 else 's'}")
        with st.container(gap="xsmall"):
            for row in group.rows:
                _show_card(sheet, row, principles[row], places[row])
    st.button(
        "Add a principle",
        key="add_principle",
        icon=":material/add:",
        shortcut=shortcuts.ADD,
        on_click=_add,
        width="content",
    )
    shortcuts.hand_over_typing()


def _show_card(sheet: _Sheet, row: str, principle: Principle, place: int) -> None:
    is_open = row in open_rows()
    st.session_state[f"card_{row}"] = is_open
    if is_open:
        title = _open_title(row, principle, place)
    else:
        title = _title(place, principle, sheet.findings.open(principle.key))
    card = st.expander(title, key=f"card_{row}", on_change=_toggle, args=(row,))
    if card.open:
        with card:
            with st.container(gap="small"):
                show_findings(sheet.findings, principle.key, place=row)
            show_fields(row, principle)
            with st.container():
                show_model_sees(row, principle, sheet.draft.constitution, sheet.by)
            _show_actions(sheet, row)


def _toggle(row: str) -> None:
    open_rows().symmetric_difference_update({row})
    st.session_state.get(_OPENED, {}).pop(row, None)


def _open_title(row: str, principle: Principle, place: int) -> str:
    """Place and key as they were when it was opened.

    A card's title is part of its identity: with another one it is drawn anew, and whoever writes in it
    loses the field.
    """
    opened = st.session_state.setdefault(_OPENED, {})
    key = opened.setdefault(row, principle.key)
    return f"{place + 1}. **{label(key)}**"


def _title(place: int, principle: Principle, findings: Sequence[Finding]) -> str:
    mark = ":material/toggle_off: " if not principle.enabled else ""
    worst = findings[0].level if findings else "note"
    mark += f"{MARKS[worst]} " if worst != "note" else ""
    weight = f" ×{principle.weight:g}" if principle.weight != 1 else ""
    wording = principle.text or principle.critique or "no wording yet"
    room = max(16, 56 - len(principle.key) - len(weight))
    return f"{mark}{place + 1}. **{label(principle.key)}**{weight} · {label(wording, limit=room)}"


def _show_actions(sheet: _Sheet, row: str) -> None:
    before, after = sheet.view.neighbours(row)
    steps: tuple[tuple[str, str, Callable[[], None], bool], ...] = (
        ("Up", "arrow_upward", _moves_beside(row, before), before is None),
        ("Down", "arrow_downward", _moves_beside(row, after), after is None),
        ("Duplicate", "content_copy", lambda: _duplicate(row), False),
    )
    with st.container(horizontal=True):
        for title, icon, step, disabled in steps:
            st.button(
                title,
                key=f"{icon}_{row}",
                icon=f":material/{icon}:",
                type="tertiary",
                disabled=disabled,
                on_click=step,
            )
        grouped = bool(sheet.view.groups[0].heading)
        show_place(row, sheet.draft, grouped=grouped)
        if st.button("Delete", key=f"delete_{row}", icon=":material/delete:", type="tertiary"):
            _ask_to_delete(row)


def _moves_beside(row: str, other: str | None) -> Callable[[], None]:
    """A step past the next one that is shown, however far apart they stand in the draft."""

    def step() -> None:
        if other is not None:
            change(lambda draft: draft.move_to(row, draft.place(other)))

    return step


def _duplicate(row: str) -> None:
    change(lambda draft: draft.duplicate(row))
    _open_made(current().rows[current().place(row) + 1][0])


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
    _open_made(current().rows[-1][0])


def _open_made(row: str) -> None:
    open_rows().add(row)
    show_too(row)
