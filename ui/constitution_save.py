"""How a draft becomes a version: what it says of itself, saving, undo, discarding, and who saved first."""

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.diff import compare
from cai_core.constitution.together import Together, put_together
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Version
from cai_core.store import constitutions
from ui import draft_steps, frame, kept_drafts, shortcuts
from ui.clock import moment
from ui.confirm import confirm
from ui.constitution_changes import change_summary, show_changes
from ui.draft import CURRENT, Draft, current, drafts, keep
from ui.plain import label

_MESSAGE = "constitution_message"


def show_save(db: Database, draft: Draft) -> None:
    """Draw whether the draft is saved, how to save it, and who saved first."""
    newest = constitutions.newest(db, draft.name) if _has_versions(db, draft) else None
    with st.container():  # what follows keeps its place
        if draft.unsaved and newest and (draft.base is None or newest.id != draft.base.id):
            _show_conflict(draft, newest)
    if draft.unsaved or draft.base is None:
        with st.container(border=True, gap="small"):
            st.markdown(f":orange-badge[:material/edit: Unsaved draft] {_draft_sentence(draft)}")
            with st.container(horizontal=True, vertical_alignment="bottom"):
                _message()
                _buttons(draft)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_saved_sentence(db, draft.base), width="stretch")
        _buttons(draft)


def _has_versions(db: Database, draft: Draft) -> bool:
    """A fork and a new constitution have none, unless somebody else took the name meanwhile."""
    own = draft.base is not None and not draft.forked
    return own or draft.name in constitutions.names(db)


def _message() -> None:
    st.text_input(
        "What changed, and why",
        key=_MESSAGE,
        max_chars=200,
        label_visibility="collapsed",
        placeholder="What changed, and why",
        width="stretch",
    )


def _buttons(draft: Draft) -> None:
    """Saving can always be pressed: what is just being typed is no change yet when a key is hit."""
    done = draft_steps.steps()
    st.button(
        "Save version",
        key="save",
        type="primary" if draft.unsaved else "tertiary",
        shortcut=shortcuts.SAVE,
        on_click=frame.callback(_save),
    )
    for title, key, step, there in (
        ("Undo", shortcuts.UNDO, draft_steps.undo, done.past),
        ("Redo", shortcuts.REDO, draft_steps.redo, done.future),
    ):
        st.button(
            f":material/{title.lower()}:",
            key=title.lower(),
            help=title,
            type="tertiary",
            shortcut=key,
            disabled=not there,
            on_click=step,
        )
    if draft.unsaved and st.button("Discard", key="discard", type="tertiary"):
        _ask_to_discard(draft)
    shortcuts.show_shortcuts()


def _saved_sentence(db: Database, version: Version) -> str:
    origin = constitutions.origin(db, version)
    return (
        f"Version {version.number}, saved by {label(version.author)} ·"
        f" {moment(version.created)} · hash `{version.constitution.hash}`{_forked_from(origin)}"
    )


def _forked_from(origin: Version | None) -> str:
    if origin is None:
        return ""
    return f" · forked from {label(origin.constitution.name, limit=60)}, version {origin.number}"


def _draft_sentence(draft: Draft) -> str:
    when = kept_drafts.kept_at(draft.name)
    when = f"from {when}, " if when else ""
    if draft.base is None:
        n = len(draft.rows)
        return f"{when}{n} principle{'' if n == 1 else 's'}, never saved"
    diff = compare(_renamed(draft.base.constitution, draft.name), draft.constitution)
    begun = (
        f"forked from {label(draft.base.title, limit=80)}"
        if draft.forked
        else f"based on version {draft.base.number}"
    )
    return f"{when}{begun}: {'no change yet' if diff.same else change_summary(diff)}"


def _renamed(constitution: Constitution, name: str) -> Constitution:
    return Constitution(name, constitution.principles, constitution.description)


def _save(db: Database) -> None:
    draft = current()
    if not draft.unsaved and draft.base:
        st.toast(f"Nothing has changed since version {draft.base.number}.")
        return
    version = constitutions.save(
        db,
        Constitution.from_row(draft.constitution.to_row()),
        author=frame.person(),
        message=st.session_state.get(_MESSAGE, "").strip(),
        parent=draft.base.id if draft.base else None,
    )
    st.session_state[_MESSAGE] = ""
    keep(Draft(draft.name, version.constitution.description, draft.rows, version))
    kept_drafts.forget(db, draft.name)
    st.toast(f"Saved as version {version.number}.", icon=":material/check:")


def _ask_to_discard(draft: Draft) -> None:
    what = f"Your draft of '{draft.name}' can be brought back later, under 'Set aside'."
    confirm("Discard the draft?", what, button="Discard", on_click=frame.callback(_discard))


def _discard(db: Database) -> None:
    slot = st.session_state[CURRENT]
    if slot in drafts():
        kept_drafts.set_aside(db, drafts().pop(slot), why="discarded")
        draft_steps.begin_steps(slot)


def _show_conflict(draft: Draft, newest: Version) -> None:
    who = label(newest.author)
    base = draft.base
    meanwhile = (
        f"while you edited version {base.number}"
        if base and not draft.forked
        else "under this name while you wrote yours"
    )
    with st.container(border=True, gap="small"):
        st.warning(
            f"{who} saved version {newest.number} {meanwhile}. Nothing of"
            " yours is lost: look at both, then put them together, go on with yours alone, or take theirs.",
            icon=":material/call_split:",
        )
        theirs, mine = st.tabs(
            [f"What {who} changed", f"Your draft against version {newest.number}"]
        )
        with theirs:
            before = _renamed(base.constitution, draft.name) if base else Constitution(draft.name)
            show_changes(before, newest.constitution)
        with mine:
            show_changes(newest.constitution, draft.constitution)
        both = _say_both(base, newest, draft) if base and not draft.forked else None
        with st.container(horizontal=True):
            if both:
                st.button(
                    "Put both together",
                    key="put_together",
                    type="primary",
                    on_click=frame.callback(_put_together),
                    args=(newest.id,),
                )
            st.button(
                f"Mine in place of version {newest.number}",
                key="rebase",
                on_click=frame.callback(_rebase),
                args=(newest.id,),
            )
            if st.button("Take theirs", key="take_theirs", type="tertiary"):
                _ask_to_discard(draft)


def _say_both(base: Version, newest: Version, draft: Draft) -> Together | None:
    """Draw what both changed, or why the two cannot be put together yet; None then."""
    try:
        both = put_together(base.constitution, newest.constitution, draft.constitution)
    except ConstitutionError as error:
        st.caption(f"They cannot be put together: {label(str(error), limit=300)}.")
        return None
    if both.clashes:
        keys = label(", ".join(both.clashes), limit=200)
        st.caption(f"Both of you changed {keys}: together, yours stands there.")
    return both


def _put_together(db: Database, version_id: str) -> None:
    draft, theirs = current(), constitutions.get(db, version_id)
    if draft.base is None:
        return
    both = put_together(draft.base.constitution, theirs.constitution, draft.constitution)
    keep(Draft.of(both.constitution, theirs, like=draft))


def _rebase(db: Database, version_id: str) -> None:
    draft = current()
    keep(Draft(draft.name, draft.description, draft.rows, constitutions.get(db, version_id)))
