"""The fields of one principle, edited in place. The draft says what they show; they never say it twice."""

from typing import Any

import streamlit as st

from cai_core.schema import Principle
from ui.draft import Draft, change, current, with_tag

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


def show_fields(row: str, principle: Principle) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Key", width="stretch", **_wired(row, "key", principle.key))
        st.number_input(
            "Weight",
            min_value=0.0,
            step=0.5,
            format="%.2f",
            width=120,
            help="How often it is drawn, and how much its vote counts.",
            **_wired(row, "weight", float(principle.weight)),
        )
        st.toggle("Enabled", **_wired(row, "enabled", principle.enabled))
    for field, title, help_ in _WORDINGS:
        value = getattr(principle, field)
        st.text_area(title, help=help_, height="content", **_wired(row, field, value))
    if principle.source:
        st.caption("Source passage")
        st.text(principle.source)
    st.multiselect(
        "Tags",
        options=sorted(known_tags(current()) | set(principle.tags)),
        accept_new_options=True,
        placeholder="Choose or type",
        **_wired(row, "tags", list(principle.tags)),
    )


def known_tags(draft: Draft) -> set[str]:
    return {tag for _, principle in draft.rows for tag in principle.tags}


def show_place(row: str, draft: Draft, *, grouped: bool) -> None:
    """Draw how a principle is moved far: to a place, to an end, under another heading."""
    with st.popover("Move to", icon=":material/swap_vert:", type="tertiary"):
        place, key = draft.place(row), f"principle_{row}_place"
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(
                f"Place, 1 to {len(draft.rows)}",
                min_value=1,
                max_value=len(draft.rows),
                value=place + 1,
                key=key,
                width=130,
            )
            st.button("Move", key=f"move_{row}", on_click=_move, args=(row, key))
        with st.container(horizontal=True):
            for title, there in (("To the top", 0), ("To the bottom", len(draft.rows) - 1)):
                st.button(
                    title,
                    key=f"{title}_{row}",
                    disabled=place == there,
                    on_click=change,
                    args=(lambda draft, there=there: draft.move_to(row, there),),
                )
        if grouped:
            _show_heading(row, draft)


def _show_heading(row: str, draft: Draft) -> None:
    tags = dict(draft.rows)[row].tags
    others = sorted(known_tags(draft) - set(tags[:1]))
    key = f"principle_{row}_heading"
    st.selectbox(
        "Under another heading",
        others,
        index=None,
        key=key,
        accept_new_options=True,
        placeholder="Its first tag",
        on_change=_put_under,
        args=(row, key),
    )


def _move(row: str, key: str) -> None:
    place = int(st.session_state[key]) - 1
    change(lambda draft: draft.move_to(row, place))


def _put_under(row: str, key: str) -> None:
    tag = " ".join((st.session_state[key] or "").split())
    if tag:
        change(lambda draft: draft.edit_all({row}, with_tag(tag, first=True)))


def _wired(row: str, field: str, value: Any) -> dict[str, Any]:
    """Key and callback of an input that writes into the draft, and shows what stands there.

    It is set only where it differs, so that an undone edit is shown and typing is left alone.
    """
    key = f"principle_{row}_{field}"
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    return {"key": key, "on_change": _edit, "args": (row, field, key)}


def _edit(row: str, field: str, key: str) -> None:
    value = st.session_state[key]
    if field == "tags":
        value = tuple(value)
    elif field == "key":
        value = value.strip()
    change(lambda draft: draft.edit(row, **{field: value}))
