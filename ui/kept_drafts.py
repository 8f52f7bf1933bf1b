"""Drafts in the database: written whenever a page runs, read on arrival, compared with other tabs.

A browser tab is a session of its own. What another one changed meanwhile is followed where nothing was
changed here, and is never overwritten unseen: then both are shown (ui/draft_clash.py).
"""

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import ConflictError
from cai_core.schema import Version
from cai_core.store import constitutions
from cai_core.store import drafts as store
from cai_core.store.drafts import KeptDraft, Why
from ui.clock import moment
from ui.draft import Draft, drafts
from ui.draft_steps import begin_steps, note_steps
from ui.person import person
from ui.plain import label

KEPT = "drafts_kept"  # session state: {slot: KeptDraft}, as this tab wrote or read it last
CLASHES = "drafts_clashes"  # session state: {slot: KeptDraft}, what another tab made of it
_OWNER = "drafts_owner"  # session state: whose drafts these are


def sync(db: Database) -> None:
    """Write what was changed here, and read what was changed elsewhere."""
    if st.session_state.get(_OWNER, person()) != person():
        _hand_over(db, st.session_state[_OWNER])
    st.session_state[_OWNER] = person()
    _sync(db, person())


def kept_at(slot: str) -> str:
    """When a draft was written last, for people; nothing where it never was."""
    found = _kept().get(slot)
    return moment(found.updated) if found else ""


def unsaved_slots() -> list[str]:
    return [slot for slot, draft in drafts().items() if draft.unsaved]


def show_note() -> None:
    """One line below the menu where drafts wait to be saved."""
    waiting = unsaved_slots()
    if not waiting:
        return
    one = f"Unsaved: {label(waiting[0], limit=24)}"
    st.page_link(
        "pages/constitution.py",
        label=one if len(waiting) == 1 else f"{len(waiting)} unsaved drafts",
        icon=":material/edit_note:",
    )


def clash(slot: str) -> KeptDraft | None:
    """What another tab made of a draft that was changed here too."""
    return _clashes().get(slot)


def set_aside(db: Database, draft: Draft, *, why: Why) -> None:
    """Keep an unsaved draft's contents for good before something else takes its place."""
    if draft.unsaved:
        kept = _kept().pop(draft.name, None)
        store.set_aside(db, _row(draft, person(), kept), why=why)


def forget(db: Database, slot: str) -> None:
    """Take a draft that became a version out of the database."""
    kept = _kept().pop(slot, None)
    if kept:
        store.remove(db, kept)


def take(db: Database, kept: KeptDraft) -> None:
    """Make it the draft of this tab."""
    _kept()[kept.name] = kept
    drafts()[kept.name] = as_draft(db, kept)


def as_draft(db: Database, kept: KeptDraft) -> Draft:
    base = constitutions.get(db, kept.base) if kept.base else None
    return Draft.of(kept.constitution, base, like=drafts().get(kept.name))


def _kept() -> dict[str, KeptDraft]:
    return st.session_state.setdefault(KEPT, {})  # type: ignore[no-any-return]


def _clashes() -> dict[str, KeptDraft]:
    return st.session_state.setdefault(CLASHES, {})  # type: ignore[no-any-return]


def _row(draft: Draft, who: str, kept: KeptDraft | None) -> KeptDraft:
    base: Version | None = draft.base
    return KeptDraft(
        who, draft.constitution, base.id if base else None, kept.updated if kept else ""
    )


def _hand_over(db: Database, before: str) -> None:
    """Another name in this browser: the drafts of the one before wait under that name."""
    _sync(db, before)
    if unsaved_slots():
        st.toast(f"The unsaved drafts of {label(before)} wait under that name.")
    for held in (drafts(), _kept(), _clashes()):
        held.clear()


def _sync(db: Database, who: str) -> None:
    note_steps()
    _clashes().clear()
    stamps = store.stamps(db, who)  # the one that was changed last first: it is opened on arrival
    for slot in list(dict.fromkeys([*drafts(), *stamps])):
        if stamps.get(slot, "") == (_kept()[slot].updated if slot in _kept() else ""):
            _write(db, slot, who)
        else:
            _meet(db, slot, who)


def _write(db: Database, slot: str, who: str) -> None:
    """Nobody else was here: keep what was changed, take out what is as its version again."""
    draft, kept = drafts().get(slot), _kept().get(slot)
    if draft is not None and _changed(draft, kept):
        try:
            _kept()[slot] = store.keep(db, _row(draft, who, kept))
        except ConflictError:  # another tab, this very moment
            _meet(db, slot, who)
    elif kept and not (draft and draft.unsaved):
        forget(db, slot)


def _changed(draft: Draft, kept: KeptDraft | None) -> bool:
    """Whether this tab holds something that is not kept."""
    if not draft.unsaved:
        return False
    return kept is None or _row(draft, kept.person, kept) != kept


def _meet(db: Database, slot: str, who: str) -> None:
    """Another tab changed it, saved it, or put it aside."""
    draft, theirs = drafts().get(slot), store.get(db, who, slot)
    if draft is not None and _changed(draft, _kept().get(slot)):
        if theirs:
            _clashes()[slot] = theirs
            return
        _kept().pop(slot, None)
        _write(db, slot, who)
        _say(slot, "was saved or discarded in another tab; what you changed here stays.")
    elif theirs:
        known = draft is not None
        take(db, theirs)
        begin_steps(slot)
        _say(slot, "was changed in another tab; this is its newest state." if known else "is back.")
    else:
        _kept().pop(slot, None)
        drafts().pop(slot, None)
        _say(slot, "was saved or discarded in another tab.")


def _say(slot: str, what: str) -> None:
    st.toast(f"Your draft of {label(slot)} {what}", icon=":material/edit_note:")
