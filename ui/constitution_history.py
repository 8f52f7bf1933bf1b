"""All versions of a constitution: any two compared, any one restored into the draft or forked."""

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.schema import Version
from cai_core.store import constitutions, uses
from cai_core.store.uses import Use
from ui import cards, frame, impact_edit, kept_drafts
from ui.clock import moment
from ui.confirm import confirm
from ui.constitution_changes import show_changes
from ui.constitution_new import show_fork
from ui.draft import Draft, change, current
from ui.plain import label

TOLD = "history_told"  # session state: what is told at the next run
_DRAFT = "draft"  # stands for the unsaved draft among the ids of versions


def show_history(db: Database, draft: Draft) -> None:
    """Draw the list of versions, the difference of any two, and the ways back to one."""
    if told := st.session_state.pop(TOLD, ""):
        st.toast(told)
    versions = constitutions.versions(db, draft.name)
    if not versions:
        cards.empty("No versions yet", "Save the draft, and its first version stands here.")
        return
    _show_list(db, versions)
    there = {version.id: version for version in versions}
    for name in constitutions.names(db):
        there |= {v.id: v for v in constitutions.versions(db, name) if v.id not in there}
    old, new = _choose_two(draft, there, first=versions[0])
    _show_actions(draft, old, new)
    if old == new:
        st.caption("Choose two different ones to see what changed.")
    else:
        show_changes(old.constitution, new.constitution)


def _show_list(db: Database, versions: list[Version]) -> None:
    made = uses.of_hashes(db, [version.constitution.hash for version in versions])
    table = pd.DataFrame([_row(version, made[version.constitution.hash]) for version in versions])
    st.dataframe(table, hide_index=True, alt="Versions of this constitution, newest first")
    origin = constitutions.origin(db, versions[-1])
    forked = f"Forked from {label(origin.title, limit=80)}. " if origin else ""
    st.caption(f"{forked}A version never changes and never vanishes, whether it is used or not.")


def _row(version: Version, use: Use) -> dict[str, object]:
    return {
        "Version": version.number,
        "Message": version.message,
        "Author": version.author,
        "Saved": moment(version.created),
        "Principles": len(version.constitution.principles),
        "Used by": use_text(use),
        "Hash": version.constitution.hash,
    }


def use_text(use: Use) -> str:
    """
    >>> use_text(Use(labels=120, runs=1))
    '120 labels, 1 run'
    """
    counts = ("label", use.labels), ("revision", use.revisions)
    counts += ("dataset", use.datasets), ("run", use.runs)
    return ", ".join(f"{n:,} {word}{'' if n == 1 else 's'}" for word, n in counts if n) or "–"


def _choose_two(
    draft: Draft, there: dict[str, Version], *, first: Version
) -> tuple[Version, Version | Draft]:
    """Two versions of any constitution; the second may be the draft."""
    ids = list(there)
    after = [_DRAFT, *ids] if draft.unsaved else ids

    def title(one: str) -> str:
        message = there[one].message if one in there else ""
        return (there[one].title if one in there else _title(draft)) + (
            f": {message}" if message else ""
        )

    before = 0 if draft.unsaved or first.number == 1 else 1
    key = f"{draft.name}_{draft.unsaved}_{first.id}"  # chosen anew where there is something newer
    with st.container(horizontal=True):
        old = st.selectbox("From", ids, index=before, format_func=title, key=f"from_{key}")
        new = st.selectbox("To", after, format_func=title, key=f"to_{key}")
    return there[old], there.get(new, draft)


def _title(one: Version | Draft) -> str:
    """As the choice of the page on impact calls it."""
    return one.title if isinstance(one, Version) else f"{one.name}, unsaved draft"


def _show_actions(draft: Draft, old: Version, new: Version | Draft) -> None:
    own = old.constitution.name == draft.name
    with st.container(horizontal=True):
        if st.button(
            f"Restore version {old.number}",
            key="restore",
            icon=":material/restore:",
            disabled=not own,
            help=None if own else "It is of another constitution; fork it instead.",
        ):
            _restore(old, draft)
        show_fork(old)
        if st.button(
            "What does it change?",
            key="history_impact",
            icon=":material/difference:",
            disabled=old == new or old.constitution.name != new.constitution.name,
        ):
            st.session_state[impact_edit.FROM] = _title(old)
            st.session_state[impact_edit.TO] = _title(new)
            st.switch_page("pages/impact.py")


def _restore(version: Version, draft: Draft) -> None:
    restore = frame.callback(_fill)
    if not draft.unsaved:
        restore(version)
        st.rerun()
    confirm(
        f"Restore version {version.number}?",
        "Your unsaved draft is set aside and can be brought back. Nothing that was saved changes.",
        button="Restore",
        on_click=restore,
        args=(version,),
    )


def _fill(db: Database, version: Version) -> None:
    kept_drafts.set_aside(db, current(), why="replaced")
    change(lambda draft: draft.filled_with(version.constitution))
    # told at the next run: a toast in the one that closes the dialog would take its place
    st.session_state[TOLD] = (
        f"Version {version.number} is in the draft; save it to make it the newest."
    )
