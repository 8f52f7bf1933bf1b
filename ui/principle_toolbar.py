"""Above the principles: search, groups, all open or closed, and one step for all that were found."""

from collections.abc import Callable, Collection
from dataclasses import replace

import streamlit as st

from cai_core.errors import ConstitutionError
from cai_core.schema import Principle
from ui import frame
from ui.draft import Draft, change, with_tag
from ui.principle_view import GROUPED, SEARCH, View

OPEN_ROWS = "constitution_open_rows"  # session state: ids of the cards that are open
_TAG = "principle_bulk_tag"


def open_rows() -> set[str]:
    return st.session_state.setdefault(OPEN_ROWS, set())  # type: ignore[no-any-return]


def show_search() -> None:
    """Draw what decides on the view; before it is made."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text_input(
            "Search",
            key=SEARCH,
            placeholder="Search keys, wordings and tags",
            label_visibility="collapsed",
            icon=":material/search:",
            width="stretch",
            persist_state="session",
        )
        st.toggle("Group by tag", key=GROUPED, persist_state="session")


def show_toolbar(draft: Draft, view: View) -> None:
    """Draw how many were found, and what can be done with them all."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(_count(view), width="stretch")
        for title, icon, step in (
            ("Expand all", "unfold_more", open_rows().update),
            ("Collapse all", "unfold_less", open_rows().difference_update),
        ):
            st.button(
                title,
                key=icon,
                icon=f":material/{icon}:",
                type="tertiary",
                on_click=step,
                args=(view.rows,),
                disabled=not view.rows,
            )
        _show_bulk(draft, view)


def _count(view: View) -> str:
    n = f"{view.total} principle{'' if view.total == 1 else 's'}"
    return f"{len(view.rows)} of {n} found" if view.query else n


def _show_bulk(draft: Draft, view: View) -> None:
    rows = frozenset(view.rows)
    title = f"All {len(rows)} found" if view.query else f"All {len(rows)}"
    with st.popover(title, icon=":material/checklist:", disabled=not rows, type="tertiary"):
        with st.container(horizontal=True):
            for title, enabled in (("Enable", True), ("Disable", False)):
                st.button(
                    title,
                    key=f"bulk_{title.lower()}",
                    disabled=all(p.enabled == enabled for r, p in draft.rows if r in rows),
                    on_click=_take,
                    args=(rows, lambda principle, to=enabled: replace(principle, enabled=to)),
                )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Tag", key=_TAG, max_chars=40, width="stretch")
            st.button(
                "Add the tag", key="bulk_tag", on_click=frame.callback(_add_tag), args=(rows,)
            )
        st.caption("Undo takes it back in one step.")


def _take(rows: Collection[str], step: Callable[[Principle], Principle]) -> None:
    change(lambda draft: draft.edit_all(rows, step))


def _add_tag(_: object, rows: Collection[str]) -> None:
    tag = " ".join(st.session_state[_TAG].split())
    if not tag:
        raise ConstitutionError("there is no tag to add; write one")
    _take(rows, with_tag(tag))
    st.session_state[_TAG] = ""
