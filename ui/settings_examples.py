"""The worked examples that models are shown in front: tables of the files in use, saved on a click."""

import json
from typing import Any, get_args

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.errors import ConflictError, DataError
from cai_core.feedback import examples
from cai_core.feedback.examples import Kind
from cai_core.schema import Row, content_hash
from ui import frame
from ui.confirm import confirm
from ui.plain import label

_TITLES: dict[Kind, tuple[str, str]] = {
    "compare": (
        "Comparisons",
        "Shown to a judge that is set to some examples: half with A better, half with B. The"
        " reasoning stands in front of the verdict where the judge reasons first.",
    ),
    "revise": (
        "Critiques and revisions",
        "Shown before a critique, as many as the model's window has room for.",
    ),
}
_NAMES = {
    "prompt": "Prompt",
    "response_a": "Answer A",
    "response_b": "Answer B",
    "principle": "Principle",
    "verdict": "Better",
    "reasoning": "Reasoning",
    "response": "Answer",
    "critique": "Critique",
    "revision": "Revision",
}


def show_examples() -> None:
    """Draw a table for each file, with what is wrong in it where something is."""
    for kind in get_args(Kind):
        title, says = _TITLES[kind]
        st.subheader(title, anchor=False)
        st.caption(says)
        try:
            rows = examples.rows_of(kind)
        except DataError as error:
            st.error(label(str(error), limit=600), icon=":material/error:")
            _back_button(kind)
            continue
        _show_table(kind, rows)


def _show_table(kind: Kind, rows: list[Row]) -> None:
    version = content_hash(rows)
    edited = st.data_editor(
        pd.DataFrame([_cells(row) for row in rows]),
        key=f"examples_{kind}_{version}",
        num_rows="dynamic",
        hide_index=True,
        row_height=72,
        column_config=_columns(),
        alt=f"{_TITLES[kind][0]} that are shown as examples",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Save", key=f"examples_save_{kind}", type="primary"):
            _save(kind, edited, version)
            st.toast("Saved.", icon=":material/check:")
            st.rerun()
        _back_button(kind)
        own = examples.own_file(kind)
        st.caption(
            label(f"Yours, in {own}", limit=200) if own.exists() else "These ship with Ratify."
        )


def _columns() -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: st.column_config.TextColumn(title, width="medium") for name, title in _NAMES.items()
    }
    columns["verdict"] = st.column_config.SelectboxColumn("Better", options=["a", "b"])
    return columns


def _back_button(kind: Kind) -> None:
    if st.button(
        "Back to the shipped ones",
        key=f"examples_back_{kind}",
        type="tertiary",
        disabled=not examples.own_file(kind).exists(),
    ):
        confirm(
            "Back to the shipped examples?",
            "Your examples are deleted. Labels that were made with them keep their mark.",
            button="Delete mine",
            on_click=frame.callback(_go_back),
            args=(kind,),
        )


def _go_back(db: Database, kind: Kind) -> None:
    examples.remove_own(kind)


def _save(kind: Kind, edited: pd.DataFrame, version: str) -> None:
    """Raises DataError: a bad row. ConflictError: somebody saved since this table was drawn."""
    if content_hash(examples.rows_of(kind)) != version:
        raise ConflictError("somebody saved other examples meanwhile; load the page again")
    table = edited.astype(object).where(edited.notna(), "")
    rows = [_row(cells) for cells in table.to_dict("records") if any(cells.values())]
    if not rows:
        raise DataError("there is no example left; go back to the shipped ones instead")
    examples.save_own(kind, rows)


def _cells(row: Row) -> Row:
    """The row as texts: a prompt of several turns as JSON."""
    prompt = row["prompt"]
    return row | {"prompt": prompt if isinstance(prompt, str) else json.dumps(prompt)}


def _row(cells: dict[Any, Any]) -> Row:
    prompt = cells["prompt"]
    if prompt.startswith("[{"):
        try:
            prompt = json.loads(prompt)
        except ValueError as error:
            raise DataError("a prompt begins like turns and cannot be read as JSON") from error
    return {str(name): value for name, value in cells.items()} | {"prompt": prompt}
