"""A trail on screen: its steps as cards, and the next step written into one as it comes."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cai_core.models.protocol import Model
from cai_core.text import word_diff
from ui import live
from ui.diff import change_summary, diff_html
from ui.plain import block, label
from ui.seen import show_seen
from ui.trail import Call, Trail, hold_against_all, kind_of, step_title

Edit = Callable[[int, str], None]
Keep = Callable[[Trail], None]


def show_steps(trail: Trail, *, key: str, on_edit: Edit | None = None) -> None:
    """Draw every step there is; with `on_edit` each can be rewritten by a person."""
    for step in range(len(trail.texts)):
        with st.container(border=True, gap="small"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                _head(trail, step)
                st.space("stretch")
                changes = kind_of(step) != "revision" or _changes_toggle(f"{key}_{step}")
                if on_edit:
                    _edit_popover(trail, step, f"{key}_{step}", on_edit)
            st.html(_body(trail, step) if changes else block(trail.texts[step]))


def show_calls(trail: Trail, *, key: str) -> None:
    """Draw what the model saw at every step."""
    show_seen({_call_title(trail, call): call.chat for call in trail.calls}, key=key)


def _call_title(trail: Trail, call: Call) -> str:
    title = step_title(trail, call.step)
    return f"{title}, {call.title}" if call.title else title


def take_step(trail: Trail, speaker: Model, keep: Keep) -> Trail:
    """Draw the next step as it comes; `keep` is told the trail after every piece."""
    step = len(trail.texts)
    with st.container(border=True, gap="small"):
        st.markdown(f"**{label(step_title(trail, step))}**")
        slot = st.empty()
        if trail.setup.settings.stepwise and kind_of(step) == "critique":
            slot.caption(":shimmer[Asking principle by principle]")
            trail = trail.held(hold_against_all(trail, speaker))
        elif trail.setup.settings.stepwise and trail.nothing_to_mend:
            trail = trail.unchanged()
        else:
            trail = _streamed(trail, speaker, keep, slot)
        keep(trail)
        slot.html(_body(trail, step))
    return trail


def _streamed(trail: Trail, speaker: Model, keep: Keep, slot: DeltaGenerator) -> Trail:
    chat = trail.next_chat(speaker)
    shown = trail.saw(chat)
    text = live.stream(
        speaker,
        chat,
        trail.next_sampling(),
        keep=lambda said: keep(shown.saying(said)),
        slot=slot,
    )
    return shown.said(text)


def _head(trail: Trail, step: int) -> None:
    notes = []
    if kind_of(step) == "revision":
        notes.append(change_summary(trail.texts[step - 2], trail.texts[step]))
    if step in trail.edited:
        notes.append("edited by hand")
    st.markdown(f"**{label(step_title(trail, step))}**", width="content")
    if notes:
        st.caption(" · ".join(notes), width="content")


def _changes_toggle(key: str) -> bool:
    return st.toggle("Changes", value=True, key=f"{key}_changes")


def _body(trail: Trail, step: int) -> str:
    """The text; a revision with its difference to the answer before it."""
    text = trail.texts[step]
    if kind_of(step) == "revision":
        return diff_html(word_diff(trail.texts[step - 2], text))
    return block(text or "(nothing)")


def _edit_popover(trail: Trail, step: int, key: str, on_edit: Edit) -> None:
    with st.popover("Edit", icon=":material/edit:", type="tertiary"):
        st.text_area("Text", trail.texts[step], key=f"{key}_text", height=200, width=560)
        st.button(
            "Use it and go on from here",
            key=f"{key}_use",
            type="primary",
            on_click=_use,
            args=(step, f"{key}_text", on_edit),
        )


def _use(step: int, key: str, on_edit: Edit) -> None:
    on_edit(step, st.session_state[key])
