"""Labels of the workspace as a file, in the forms that other tools read."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import IO

import streamlit as st
from sqlite_utils import Database

from cai_core.curate import label_files
from cai_core.curate.label_files import ENDINGS, NOT_HELD, OUT, Form
from cai_core.schema import SPLITS
from cai_core.store import label_stream, labels, pairs
from cai_core.store.label_stream import LabelChoice
from cai_core.store.labels import StoredLabel
from ui.labels_upload import titled
from ui.plain import shorten

EVERY = 2_000  # labels between two words of progress
_MADE = "labels_made"  # session state: the Made file
_ALL = ""


@dataclass(frozen=True)
class _Asked:
    form: Form
    events: bool
    judges: tuple[str, ...]
    people: tuple[str, ...]
    split: str
    constitution: str
    source: str

    def takes(self) -> LabelChoice:
        split = next((one for one in SPLITS if one == self.split), None)
        return LabelChoice(self.judges, self.people, split, self.constitution, self.source)


@dataclass(frozen=True)
class Made:
    """A file that was made, without a name on the disk: it is gone with the session."""

    asked: _Asked
    file: IO[bytes]
    labels: int


def show_export(db: Database) -> None:
    """Choose form and filters, make the file, and take it."""
    asked = _ask(db)
    if asked.form in NOT_HELD:
        st.caption(f"This form does not hold {NOT_HELD[asked.form]}.")
    if st.button("Make the file", icon=":material/description:", key="labels_make"):
        st.session_state.pop(_MADE, None)
        st.session_state[_MADE] = _make(db, asked)
    made = st.session_state.get(_MADE)
    if made is None or made.asked != asked:
        return
    if not made.labels:
        st.info("No label passes these filters.", icon=":material/filter_alt:")
        return
    st.download_button(
        f"Download {made.labels:,} labels" if made.labels != 1 else "Download 1 label",
        data=partial(content, made.file),
        file_name=f"labels{ENDINGS[asked.form]}",
        mime="text/csv" if asked.form == "csv" else "application/json",
        icon=":material/download:",
        on_click="ignore",
        key="labels_download",
    )


def content(file: IO[bytes]) -> bytes:
    """The whole file: it is held only from the click on, and once."""
    file.seek(0)
    return file.read()


def _ask(db: Database) -> _Asked:
    form = st.selectbox("Form", OUT, format_func=titled, key="labels_out_form")
    uses = labels.judge_uses(db)
    rules = {use.constitution.hash: use.constitution.name for use in uses if use.constitution}
    left, right = st.columns(2)
    with left:
        people = st.multiselect(
            "People", list(labels.people(db)), key="labels_out_people", placeholder="Everybody"
        )
        split = st.selectbox("Split", [_ALL, *SPLITS], format_func=_or_all, key="labels_out_split")
    with right:
        names = list(dict.fromkeys(use.judge for use in uses))
        judges = st.multiselect(
            "Judges", names, key="labels_out_judges", placeholder="All", format_func=_short
        )
        sources = [_ALL, *filter(None, pairs.sources(db))]
        source = st.selectbox("Source", sources, format_func=_or_all, key="labels_out_source")
    constitution = st.selectbox(
        "Judgements under",
        [_ALL, *rules],
        format_func=lambda key: f"{_short(rules[key])} ({key})" if key else "Any constitution",
        key="labels_out_rules",
    )
    events = form == "labels" and st.checkbox(
        "With every earlier and undone verdict", key="labels_out_events"
    )
    return _Asked(form, events, tuple(judges), tuple(people), split, constitution, source)


def _or_all(name: str) -> str:
    return _short(name) if name else "All"


def _short(name: str) -> str:
    return shorten(name, 60)


def _make(db: Database, asked: _Asked) -> Made:
    """Write it to a temporary file, a few pairs at a time."""
    bar, count = st.progress(0.0, text="Making the file"), 0
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the session holds it

    def through(found: Iterable[StoredLabel]) -> Iterable[StoredLabel]:
        nonlocal count
        for one in found:
            count += 1
            if count % EVERY == 0:
                bar.progress(0.0, text=f"{count:,} labels written")
            yield one

    found = through(label_stream.stream(db, asked.takes(), events=asked.events))
    if asked.events:
        rows = (label_files.event_row(one.label, label_stream.event_of(one)) for one in found)
        pieces = label_files.lines(rows)
    else:
        pieces = label_files.pieces((one.label for one in found), asked.form)
    for piece in pieces:
        file.write(piece.encode())
    bar.empty()
    return Made(asked, file, count)
