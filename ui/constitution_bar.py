"""Which constitution is open, where it comes from, and how its draft becomes a version."""

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.diff import compare
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle, Version
from cai_core.store import constitutions
from ui import frame
from ui.confirm import confirm
from ui.constitution_changes import change_summary, show_changes
from ui.constitution_upload import show_download, show_note, show_upload
from ui.draft import CURRENT, Draft, current, drafts, keep
from ui.plain import label

_MESSAGE = "constitution_message"
_EMPTY = "nothing"


def open_draft(db: Database) -> Draft | None:
    """Draw the choice of constitution; the draft that is open, None where there is none."""
    saved = constitutions.names(db)
    slots = saved + [slot for slot in drafts() if slot not in saved]
    if slots and st.session_state.get(CURRENT) not in slots:
        st.session_state[CURRENT] = slots[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if slots:
            st.selectbox("Constitution", slots, key=CURRENT, persist_state="session")
        _new(saved)
        show_upload()
        if slots:
            show_download(_load(db))
    show_note()
    _show_other_drafts()
    return current() if slots else None


def _show_other_drafts() -> None:
    """Name the drafts that wait under another choice, so that none is forgotten."""
    others = [
        s for s, draft in drafts().items() if draft.unsaved and s != st.session_state[CURRENT]
    ]
    if others:
        st.caption(f"Unsaved too: {label(', '.join(others), limit=200)}")


def _load(db: Database) -> Draft:
    """The open draft, begun from the newest version; an unchanged one follows the store."""
    slot = st.session_state[CURRENT]
    draft = drafts().get(slot)
    if draft is None or (draft.base and not draft.unsaved):
        newest = constitutions.newest(db, slot)
        if draft is None or draft.base is None or draft.base.id != newest.id:
            keep(Draft.of(newest.constitution, newest))
    return current()


def _new(saved: list[str]) -> None:
    with st.popover("New", icon=":material/add:"):
        st.text_input("Name", key="new_name", max_chars=60, placeholder="house-rules")
        st.selectbox("Begin with", [_EMPTY, *saved], key="new_from", format_func=_from_title)
        st.button("Make it", key="new_make", type="primary", on_click=frame.callback(_make))


def _from_title(source: str) -> str:
    return "an empty principle" if source == _EMPTY else f"a copy of {source}"


def _make(db: Database) -> None:
    name = st.session_state["new_name"].strip()
    if not name:
        raise ConstitutionError("the new constitution has no name; give it one")
    if name in constitutions.names(db) or name in drafts():
        raise ConstitutionError(f"there is a constitution '{name}' already; choose another name")
    source = st.session_state["new_from"]
    begun = Constitution(name, (Principle("first"),))
    if source != _EMPTY:
        copied = constitutions.newest(db, source).constitution
        begun = Constitution(name, copied.principles, copied.description)
    _open(Draft.of(begun))


def _open(draft: Draft) -> None:
    drafts()[draft.name] = draft
    st.session_state[CURRENT] = draft.name


def show_save(db: Database, draft: Draft) -> None:
    """Draw whether the draft is saved, how to save it, and who saved first."""
    newest = constitutions.newest(db, draft.name) if draft.base else None
    if not draft.unsaved and draft.base:
        st.caption(_saved_sentence(draft.base))
        return
    if newest and draft.base and newest.id != draft.base.id:
        _show_conflict(draft, draft.base, newest)
    with st.container(border=True, gap="small"):
        st.markdown(f":orange-badge[:material/edit: Unsaved draft] {_draft_sentence(draft)}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                "What changed, and why",
                key=_MESSAGE,
                max_chars=200,
                label_visibility="collapsed",
                placeholder="What changed, and why",
                width="stretch",
            )
            st.button("Save version", key="save", type="primary", on_click=frame.callback(_save))
            if st.button("Discard", key="discard", type="tertiary"):
                _ask_to_discard(draft)


def _saved_sentence(version: Version) -> str:
    message = f": {label(version.message, limit=120)}" if version.message else ""
    return (
        f"Version {version.number}, saved by {label(version.author)} on {version.created[:16].replace('T', ' ')}"
        f" UTC{message} · `{version.constitution.hash}`"
    )


def _draft_sentence(draft: Draft) -> str:
    if draft.base is None:
        return f"{len(draft.rows)} principles, never saved"
    diff = compare(draft.base.constitution, draft.constitution)
    return f"{change_summary(diff)} since version {draft.base.number}"


def _save(db: Database) -> None:
    draft = current()
    version = constitutions.save(
        db,
        Constitution.from_row(draft.constitution.to_row()),
        author=frame.person(),
        message=st.session_state[_MESSAGE].strip(),
        parent=draft.base.id if draft.base else None,
    )
    st.session_state[_MESSAGE] = ""
    keep(Draft(draft.name, version.constitution.description, draft.rows, version))
    st.toast(f"Saved as version {version.number}.", icon=":material/check:")


def _ask_to_discard(draft: Draft) -> None:
    what = f"Your draft of '{draft.name}' is gone then: {_draft_sentence(draft)}."
    confirm("Discard the draft?", what, button="Discard", on_click=_discard)


def _discard() -> None:
    drafts().pop(st.session_state[CURRENT], None)


def _show_conflict(draft: Draft, base: Version, newest: Version) -> None:
    with st.container(border=True, gap="small"):
        who = label(newest.author)
        st.warning(
            f"{who} saved version {newest.number} while you edited version {base.number}. Nothing of"
            " yours is lost: look at both, then go on with yours on top of it, or take theirs.",
            icon=":material/call_split:",
        )
        theirs, mine = st.tabs(
            [f"What {who} changed", f"Your draft against version {newest.number}"]
        )
        with theirs:
            show_changes(base.constitution, newest.constitution)
        with mine:
            show_changes(newest.constitution, draft.constitution)
        with st.container(horizontal=True):
            st.button(
                f"Put mine on top of version {newest.number}",
                key="rebase",
                on_click=frame.callback(_rebase),
                args=(newest.id,),
            )
            if st.button("Take theirs", key="take_theirs", type="tertiary"):
                _ask_to_discard(draft)


def _rebase(db: Database, version_id: str) -> None:
    draft = current()
    keep(Draft(draft.name, draft.description, draft.rows, constitutions.get(db, version_id)))
