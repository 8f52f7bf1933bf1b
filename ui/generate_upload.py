"""Files that people bring: prompts, pairs and labels. A bad row refuses the whole file, with its line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from sqlite_utils import Database
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cai_core.curate import formats, split
from cai_core.curate.formats import Rows
from cai_core.errors import CaiError
from cai_core.schema import SPLITS, Chat, Label, Pair, Prompt, Split
from cai_core.store import database, labels, pairs, prompts
from ui import frame, menu
from ui.plain import label, shorten

SHOWN = 5  # rows of a preview
_TYPES = ["jsonl", "json", "csv", "tsv", "txt", "gz"]


@dataclass(frozen=True)
class Brought:
    """What can be brought: its name, the form of its files, how they are read, shown and kept."""

    noun: str
    form: str
    parse: Callable[..., Rows[Any]]
    shown: Callable[[Any], dict[str, str]]
    keep: Callable[[Database, Sequence[Any], str], str]


def show(db: Database, what: Brought, *, name_label: str) -> None:
    """Choose a file, see its first rows, and add them under a name."""
    key = what.noun
    file = st.file_uploader(f"A file of {what.noun}", type=_TYPES, key=f"upload_{key}")
    if file is None:
        st.caption(what.form)
        return
    rows = _read(file, what)
    if rows is None:
        return
    st.caption(f"{len(rows)} {what.noun} can be read. The first of them:")
    st.dataframe(
        pd.DataFrame([what.shown(row) for row in rows.rows[:SHOWN]]),
        hide_index=True,
        alt=f"The first {what.noun} of the file",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            name_label, value=_stem(file.name), key=f"upload_{key}_name_{file.file_id}", width=320
        )
        st.button(
            f"Add {len(rows)} {what.noun}",
            type="primary",
            icon=":material/add:",
            key=f"upload_{key}_add",
            disabled=not name.strip(),
            on_click=frame.callback(_add),
            args=(what, rows, f"upload_{key}_name_{file.file_id}"),
        )


def _read(file: UploadedFile, what: Brought) -> Rows[Any] | None:
    """The rows of a file; a fault is shown, and nothing of the file is kept."""
    try:
        return what.parse(file.getvalue(), name=file.name)
    except CaiError as error:
        st.error(label(str(error), limit=600), icon=":material/error:")
        st.caption("Nothing of this file was kept. Mend the line and choose the file again.")
        return None


def _stem(name: str) -> str:
    """
    >>> _stem("my prompts.jsonl.gz")
    'my prompts'
    """
    path = Path(name)
    while path.suffix.lstrip(".").lower() in _TYPES:
        path = path.with_suffix("")
    return path.name


def _add(db: Database, what: Brought, rows: Rows[Any], name_key: str) -> None:
    name = " ".join(str(st.session_state[name_key]).split())
    if name:
        st.toast(what.keep(db, rows.rows, name), icon=":material/check:")


def with_splits(db: Database, chats: Sequence[Chat], given: Sequence[Split | None]) -> list[Split]:
    """The split of each new conversation; near-duplicates of what is there get what that has."""
    known = {
        item.messages: item.split for s in prompts.sets(db) for item in prompts.of_set(db, s.name)
    }
    known |= {item.pair.prompt: item.split for item in pairs.find(db)}
    found = split.assign([*known, *chats], [*known.values(), *given])
    return found[len(known) :]


def keep_prompts(db: Database, rows: Sequence[Prompt], name: str) -> str:
    """Put prompts into a set; what came of it."""
    splits = with_splits(db, [row.messages for row in rows], [row.split for row in rows])
    placed = [replace(row, split=one) for row, one in zip(rows, splits, strict=True)]
    new = prompts.add(db, placed, set_name=name)
    return f"{new} prompts are in {shorten(name, 40)} now; {len(rows) - new} were there already."


def _keep_pairs(db: Database, rows: Sequence[Pair], name: str) -> str:
    given = [row.extra.get("split") if row.extra.get("split") in SPLITS else None for row in rows]
    splits = with_splits(db, [row.prompt for row in rows], given)
    new = 0
    with database.write_tx(db):
        for row, one in zip(rows, splits, strict=True):
            new += pairs.add(db, [row], source=name, split=one).new
        said = labels.add_imported(db, rows, source=name)
    return f"{new} new pairs from {shorten(name, 40)}, with {said} verdicts of people."


def _keep_labels(db: Database, rows: Sequence[Label], name: str) -> str:
    new = labels.add_many(db, rows, job=f"file:{name}", source=name)
    return f"{new} new labels from {shorten(name, 40)}; {len(rows) - new} were there already."


def _prompt_row(row: Prompt) -> dict[str, str]:
    return {"Prompt": shorten(row.messages[-1].content, 300), "Tags": ", ".join(row.tags)}


def _pair_row(row: Pair) -> dict[str, str]:
    return {
        "Prompt": shorten(row.prompt[-1].content, 160),
        "A": shorten(row.response_a, 160),
        "B": shorten(row.response_b, 160),
        "Verdict": row.label or "",
    }


def _label_row(row: Label) -> dict[str, str]:
    return {
        "Prompt": shorten(row.pair.prompt[-1].content, 160),
        "Annotator": row.annotator,
        "Verdict": row.verdict or "failed",
        "P(A is better)": "–" if row.p_a is None else f"{row.p_a:.2f}",
    }


PROMPTS = Brought(
    "prompts",
    "JSONL or JSON with `prompt` (a text or turns) and, if you like, `tags` and `split`; CSV with"
    " these columns; or plain text, one prompt a line.",
    formats.parse_prompts,
    _prompt_row,
    keep_prompts,
)
PAIRS = Brought(
    "pairs",
    "JSONL with `prompt`, `response_a`, `response_b` and, where a person has decided, `label`; or"
    " `prompt`, `chosen`, `rejected`; or raw hh dialogues.",
    formats.parse_pairs,
    _pair_row,
    _keep_pairs,
)
LABELS = Brought(
    "labels",
    "JSONL as the command `judge` writes it: a pair with `verdict`, `p_a` and `judge`.",
    formats.parse_labels,
    _label_row,
    _keep_labels,
)


def show_others(db: Database) -> None:
    """Uploads of pairs and labels."""
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        st.markdown("**Pairs**")
        show(db, PAIRS, name_label="Source")
    with right, st.container(border=True):
        st.markdown("**Labels**")
        show(db, LABELS, name_label="Source")
    menu.link("review", "Review pairs")
