"""The bulk labels that were given: who, when, which pairs, how many; and one step to take each back."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.store import bulk
from cai_core.store.bulk import Batch
from ui import cards, frame
from ui.person import person
from ui.plain import label

SHOWN = 20
_NAMES = {
    "text": "words",
    "judge": "judge",
    "verdict": "judged",
    "sure": "sure",
    "annotator": "judge",
}


def show(db: Database) -> None:
    """The newest batches, undone ones too."""
    st.subheader("Bulk labels so far", anchor=False)
    found = bulk.find(db)
    if not found:
        st.caption("None yet. Choose pairs above, and give the rule a name.")
        return
    for batch in found[:SHOWN]:
        _show_one(batch)
    if len(found) > SHOWN:
        st.caption(f"and {len(found) - SHOWN:,} older ones")


def _show_one(batch: Batch) -> None:
    with (
        st.container(border=True, gap="xsmall"),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        with st.container(gap="xxsmall"):
            st.markdown(f"**{label(batch.name, limit=80)}** · {batch.n:,} pairs · {_says(batch)}")
            when = batch.created[:16].replace("T", " ")
            st.caption(f"{label(batch.person, limit=60)} · {when} UTC · {_selection(batch)}")
        if batch.undone_by:
            st.badge(
                f"taken back by {label(batch.undone_by)}", icon=":material/undo:", color="gray"
            )
        else:
            st.button(
                "Undo",
                icon=":material/undo:",
                key=f"bulk_undo_{batch.id}",
                help="Takes back every label of this batch; what stood before stands again.",
                on_click=frame.callback(_undo),
                args=(batch.id,),
            )


def _says(batch: Batch) -> str:
    return "as the judge says" if batch.verdict == "judge" else cards.verdict_text(batch.verdict)


def _selection(batch: Batch) -> str:
    return label(selection_words(batch.selection), limit=300)


def selection_words(selection: Mapping[str, Any]) -> str:
    """
    >>> selection_words({"text": "tea", "reviewed": False, "sure": [0.9, 1.0]})
    'words: tea, not reviewed, sure: 90 to 100%'
    >>> selection_words({})
    'all pairs'
    """
    found = []
    for name, value in selection.items():
        words = _NAMES.get(name, name)
        if isinstance(value, bool):
            found.append(words if value else f"not {words}")
        elif name == "sure":
            found.append(f"{words}: {value[0]:.0%} to {value[1]:.0%}".replace("% to", " to"))
        elif isinstance(value, Mapping):
            found.append(f"as judged by {value.get('annotator') or 'any judge'}")
        else:
            found.append(f"{words}: {value}")
    return ", ".join(found) or "all pairs"


def _undo(db: Database, batch_id: str) -> None:
    bulk.undo(db, batch_id, who=person())
    st.toast("The batch is taken back.", icon=":material/undo:")
