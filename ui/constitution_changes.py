"""What differs between two constitutions, principle by principle, with word differences."""

import streamlit as st

from cai_core.constitution.diff import Change, ConstitutionDiff, FieldChange, compare
from cai_core.schema import Constitution, Principle
from ui.diff import show_parts
from ui.plain import block, label

_KINDS = {
    "added": (":material/add:", "green"),
    "removed": (":material/remove:", "red"),
    "renamed": (":material/label:", "blue"),
    "changed": (":material/edit:", "orange"),
    "moved": (":material/swap_vert:", "gray"),
}
_WORDINGS = {
    "text": "Comparison wording",
    "critique": "Critique request",
    "revision": "Revision request",
}


def show_changes(old: Constitution, new: Constitution) -> None:
    """Draw the difference; one card a principle."""
    diff = compare(old, new)
    if diff.same:
        st.caption("No difference.")
    for field in diff.fields:
        st.caption(field.name.capitalize())
        show_parts(field.parts)
    for change in diff.changes:
        with st.container(border=True, gap="small"):
            _show_change(change)


def change_summary(diff: ConstitutionDiff) -> str:
    """How much differs, in words: "1 principle added, 2 changed"."""
    counts = {kind: sum(c.kind == kind for c in diff.changes) for kind in _KINDS}
    told = [f"{n} {kind}" for kind, n in counts.items() if n]
    if told:
        first = counts[told[0].split()[1]]
        told[0] = told[0].replace(" ", f" principle{'' if first == 1 else 's'} ", 1)
    told += [f"{field.name} changed" for field in diff.fields]
    return ", ".join(told) or "no difference"


def _show_change(change: Change) -> None:
    icon, colour = _KINDS[change.kind]
    place = f" · place {change.old_place} → {change.new_place}" if change.moved else ""
    was = f", was {label(change.old.key)}" if change.kind == "renamed" and change.old else ""
    st.markdown(f":{colour}[{icon}] **{label(change.key)}** {change.kind}{was}{place}")
    if change.kind in ("added", "removed"):
        principle = change.new or change.old
        assert principle is not None
        _show_whole(principle)
    for field in change.fields:
        _show_field(field)


def _show_whole(principle: Principle) -> None:
    for name, title in _WORDINGS.items():
        wording = getattr(principle, name)
        if wording:
            st.caption(title)
            st.html(block(wording))


def _show_field(field: FieldChange) -> None:
    if field.name in _WORDINGS:
        st.caption(_WORDINGS[field.name])
        show_parts(field.parts)
    else:
        st.caption(f"{field.name.capitalize()}: {_shown(field.old)} → {_shown(field.new)}")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return label(", ".join(value)) or "none"
    return label(str(value), limit=200) or "none"
