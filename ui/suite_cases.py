"""The cases of a suite, one a row with its mark; opened, what was seen, and how to change it."""

from dataclasses import replace

import streamlit as st
from sqlite_utils import Database

from cai_core.schema import Case, content_hash
from cai_core.store import suites
from cai_core.store.suites import Ran
from ui import cards, frame, suite_fields, suite_seen
from ui.choices import Ruling
from ui.confirm import confirm
from ui.person import person
from ui.plain import label
from ui.review_answers import show_answers
from ui.suite_board import Board

OPEN = "suite_open"  # session state: ids of the cases that are open
SHOWN = 50  # rows at once; a search narrows them
MARKS = {
    "passed": ":green[:material/check_circle:]",
    "failed": ":red[:material/cancel:]",
    "error": ":orange[:material/warning:]",
    "not run": ":gray[:material/radio_button_unchecked:]",
    "disabled": ":gray[:material/block:]",
}
_FILTERS = {"All": tuple(MARKS), "Failing": ("failed", "error"), "Not run": ("not run",)}
_FILTERS |= {"Disabled": ("disabled",)}


def show(db: Database, board: Board, target: Ruling) -> None:
    """The list, narrowed as chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Show",
            list(_FILTERS),
            default="All",
            required=True,
            key="suite_filter",
            label_visibility="collapsed",
        )
        wanted = st.text_input(
            "Search",
            key="suite_search",
            label_visibility="collapsed",
            placeholder="Search cases",
        )
    states = {case.id: state_of(board, case, target) for case in board.cases}
    found = [case for case in board.cases if states[case.id] in _FILTERS[which]]
    found = [case for case in found if _holds(case, wanted)]
    if not found:
        st.caption("No case is like that.")
    for case in found[:SHOWN]:
        _row(db, board, case, target)
    if len(found) > SHOWN:
        st.caption(f"{SHOWN} of {len(found)} are shown; search to see others.")


def state_of(board: Board, case: Case, target: Ruling) -> str:
    """A key of MARKS."""
    result = board.result(case, target)
    if not case.enabled:
        return "disabled"
    return result.outcome if result else "not run"


def title_of(case: Case) -> str:
    """Its name where it was given one, else what is asked."""
    return case.id if case.named else case.prompt[-1].content


def _holds(case: Case, wanted: str) -> bool:
    told = (case.id, case.note, *(turn.content for turn in case.prompt), *(case.answers or ()))
    return wanted.casefold() in " ".join(told).casefold()


def _row(db: Database, board: Board, case: Case, target: Ruling) -> None:
    says = board.track(case).says
    kind = ":material/compare_arrows:" if case.answers else ":material/chat:"
    parts = [f"{MARKS[state_of(board, case, target)]} {kind} {label(title_of(case), limit=60)}"]
    parts += [label(str(case.expectation), limit=60)]
    parts += [f"*{label(says)}*"] if says else []
    # Its title is part of a row's identity: it would close when its mark changes.
    key = f"suite_case_{case.id}"
    st.session_state[key] = case.id in _open_cases()
    panel = st.expander(" · ".join(parts), key=key, on_change=_toggle, args=(case.id,))
    if panel.open:
        with panel:
            _open(db, board, case, target)


def _open_cases() -> set[str]:
    return st.session_state.setdefault(OPEN, set())  # type: ignore[no-any-return]


def _toggle(case_id: str) -> None:
    _open_cases().symmetric_difference_update({case_id})


def _open(db: Database, board: Board, case: Case, target: Ruling) -> None:
    result = board.result(case, target)
    if result is None:
        st.caption(f"Not run on {target.title} yet, asked as now.")
        cards.conversation(case.prompt)
        if case.answers:
            show_answers(*case.answers)
    else:
        suite_seen.show(suites.result(db, result.id), result, key=f"suite_seen_{case.id}")
    if case.note:
        st.caption("Note")
        st.text(case.note)
    _change(db, board, case, target, result)


def _change(db: Database, board: Board, case: Case, target: Ruling, result: Ran | None) -> None:
    key = edit_key(case)
    with st.container(border=True, gap="small"):
        suite_fields.choose(target.constitution, of_pair=bool(case.answers), key=key, given=case)
        with st.container(horizontal=True):
            name = target.ref.name
            st.button(
                "Save the case",
                key=f"{key}_save",
                on_click=frame.callback(_save),
                args=(name, case, key),
                icon=":material/save:",
            )
            st.button(
                "Disable" if case.enabled else "Enable",
                key=f"{key}_enable",
                on_click=frame.callback(_put),
                args=(name, replace(case, enabled=not case.enabled)),
                icon=":material/block:" if case.enabled else ":material/check:",
                type="tertiary",
            )
            if st.button("Remove", key=f"{key}_remove", icon=":material/delete:", type="tertiary"):
                _ask_to_remove(name, case)


def edit_key(case: Case) -> str:
    """Of the fields of a case as it stands: when somebody changes it, they are filled anew."""
    return f"suite_edit_{content_hash(case.to_row())}"


def _save(db: Database, name: str, case: Case, key: str) -> None:
    about = {"id": case.id, "prompt": case.to_row()["prompt"], "enabled": case.enabled}
    if case.answers:
        about |= {"response_a": case.answers[0], "response_b": case.answers[1]}
    edited = Case.from_row(about | suite_fields.chosen(key))
    counts = suites.put(db, name, [edited], by=person())
    st.toast("Saved." if counts["changed"] else "Nothing has changed.")


def _put(db: Database, name: str, case: Case) -> None:
    suites.put(db, name, [case], by=person())


def _ask_to_remove(name: str, case: Case) -> None:
    says = f"{title_of(case)}\n\nIts results stay, and it can be brought back."
    confirm(
        "Remove this case?",
        says,
        button="Remove",
        on_click=frame.callback(_remove),
        args=(name, case.id),
    )


def _remove(db: Database, name: str, case_id: str) -> None:
    suites.remove(db, name, case_id, by=person())


def show_removed(db: Database, name: str) -> None:
    """Removed cases, each with a way back; nothing where there is none."""
    gone = suites.removed(db, name)
    if not gone:
        return
    panel = st.expander(f"Removed ({len(gone)})", key="suite_removed", on_change="rerun")
    if not panel.open:
        return
    with panel:
        for event in gone[:SHOWN]:
            with st.container(horizontal=True, vertical_alignment="center"):
                said = f"{label(title_of(event.case))} · {label(str(event.case.expectation))}"
                st.caption(f"{said} · by {label(event.author)}", width="stretch")
                st.button(
                    "Bring back",
                    key=f"suite_back_{event.case.id}",
                    type="tertiary",
                    on_click=frame.callback(_put),
                    args=(name, event.case),
                )
