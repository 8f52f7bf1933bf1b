"""Labels made elsewhere: what a file would bring is shown first, and brought in when that is confirmed."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st
from sqlite_utils import Database
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cai_core.curate import label_files, label_merge
from cai_core.curate.label_files import FORMS, TITLES, Form
from cai_core.curate.label_json import NAMELESS
from cai_core.curate.label_merge import Merged, OnConflict
from cai_core.errors import CaiError
from cai_core.schema import Hooks, Progress
from cai_core.store import label_merging, labels
from ui.plain import label

SHOWN = 10  # bad rows told one by one
_LOOK, _GO = (
    "labels_look",
    "labels_go",
)  # session state: the Look of this file; that it is to come in
_DONE = "labels_done"  # session state: what came of the last file, until another is chosen
_SKIP, _FATE, _SOURCE = "labels_skip_bad", "labels_on_conflict", "labels_source"
_AUTO = "auto"
_FATES = {"keep": "Keep what stands", "append": "Let the file stand on top"}


@dataclass(frozen=True)
class Look:
    """What a file would bring, or why it cannot be read."""

    key: tuple[str, str, str]  # file, form, who is nameless
    form: Form = "labels"
    merged: Merged = field(default_factory=Merged)
    fault: str = ""


def show_import(db: Database) -> None:
    """Choose a file of labels, see what it would bring, and bring it in."""
    file = st.file_uploader("A file of labels", key="labels_file", on_change=_forget)
    if file is None:
        st.caption(
            "JSON lines as this workbench writes them, pairs with a verdict, a table (CSV), annotated"
            " pairs of Inverse CAI, or records of Argilla; packed with gzip too. What a file is, is"
            " told by what it holds."
        )
        return
    form, nameless = _options()
    key = (file.file_id, form or _AUTO, nameless)
    look = st.session_state.get(_LOOK)
    if look is None or look.key != key:
        look = _look(db, file, form, nameless)
        st.session_state[_LOOK] = look
    if look.fault:
        st.error(label(look.fault, limit=600), icon=":material/error:")
        st.caption("Nothing of this file was kept.")
        return
    _show(look)
    _confirm(db, file, look)


def _options() -> tuple[Form | None, str]:
    left, right = st.columns(2)
    chosen = left.selectbox(
        "What it is",
        [_AUTO, *FORMS],
        format_func=lambda form: titled(form) if form in TITLES else "Recognise it",
        key="labels_form",
    )
    name = right.text_input("Whose are verdicts without a name", NAMELESS, key="labels_nameless")
    return next((form for form in FORMS if form == chosen), None), name.strip() or NAMELESS


def titled(form: Form) -> str:
    """The name of a form where it begins a line."""
    return TITLES[form][:1].upper() + TITLES[form][1:]


def _forget() -> None:
    for key in (_LOOK, _GO, _DONE):
        st.session_state.pop(key, None)


@contextmanager
def _on_disk(file: UploadedFile) -> Iterator[Path]:
    """The upload as a file, for as long as it is read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(file.name).name or "labels")
        path.write_bytes(file.getbuffer())
        try:
            yield path
        except CaiError as error:
            raise CaiError(str(error).replace(f"{folder}/", "")) from error


def _hooks(bar: DeltaGenerator) -> Hooks:
    def tell(progress: Progress) -> None:
        share = progress.done / progress.total if progress.total else 0.0
        of = f" of {progress.total:,}" if progress.total else ""
        bar.progress(share, text=f"{progress.done:,}{of} labels")

    return Hooks(tell)


def _look(db: Database, file: UploadedFile, form: Form | None, nameless: str) -> Look:
    """Read the file and hold it against what stands; nothing is written."""
    key, bar = (file.file_id, form or _AUTO, nameless), st.progress(0.0, text="Reading the file")
    try:
        with _on_disk(file) as path:
            opened = label_files.open_labels(path, form=form, annotator=nameless)
            checked = label_merge.check(opened, skip_bad=True, hooks=_hooks(bar))
            said_on = partial(label_merging.said_on, db)
            merged = label_merge.merge(checked, said_on, hooks=_hooks(bar))
    except CaiError as error:
        return Look(key, fault=str(error))
    finally:
        bar.empty()
    return Look(key, opened.form, merged)


def _show(look: Look) -> None:
    merged = look.merged
    st.markdown(f"**{titled(look.form)}**, as it looks")
    counts = {
        "Labels": merged.labels,
        "New": merged.new,
        "Known": merged.already,
        "Conflicts": merged.conflicts,
        "Bad rows": len(merged.bad),
    }
    for column, (name, count) in zip(st.columns(len(counts)), counts.items(), strict=True):
        column.metric(name, f"{count:,}")
    if merged.disagreeing:
        are = "is 1 pair" if merged.disagreeing == 1 else f"are {merged.disagreeing:,} pairs"
        st.caption(f"There {are} on which people differ; that is no conflict.")
    if merged.silent:
        st.caption(f"Without a verdict, and left out: {merged.silent:,} rows.")
    _show_conflicts(merged)
    _show_bad(merged)


def _show_conflicts(merged: Merged) -> None:
    if not merged.conflicts:
        return
    st.markdown("An annotator says another thing in the file than what stands:")
    rows = [
        {
            "Line": str(one.line or ""),
            "Annotator": one.label.annotator,
            "Stands": one.stands or "failed",
            "In the file": one.label.verdict or "failed",
            "Prompt": one.label.pair.prompt[-1].content,
        }
        for one in merged.first
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="The first conflicts of the file")
    if merged.conflicts > len(rows):
        st.caption(f"The first {len(rows)} of {merged.conflicts:,}.")
    st.radio("What is to count", list(_FATES), format_func=_FATES.get, key=_FATE, horizontal=True)


def _show_bad(merged: Merged) -> None:
    if not merged.bad:
        return
    st.warning("Rows that cannot be read. Mend them and choose the file again, or leave them out.")
    for row in merged.bad[:SHOWN]:
        st.text(f"line {row.line}: {row.reason}" if row.line else row.reason)
    if len(merged.bad) > SHOWN:
        st.caption(f"The first {SHOWN} of {len(merged.bad):,}.")
    st.checkbox("Leave them out", key=_SKIP)


def _confirm(db: Database, file: UploadedFile, look: Look) -> None:
    """The button, and the bringing in while it is drawn without effect."""
    if st.session_state.get(_DONE) == look.key:
        st.success("What is new in this file is in the workspace.", icon=":material/check:")
    fate: OnConflict = "append" if st.session_state.get(_FATE) == "append" else "keep"
    count = look.merged.new + (look.merged.conflicts if fate == "append" else 0)
    held = bool(look.merged.bad) and not st.session_state.get(_SKIP)
    under_way = st.session_state.pop(_GO, None) == look.key
    with st.container(horizontal=True, vertical_alignment="bottom"):
        stem = Path(file.name.removesuffix(".gz")).stem
        source = st.text_input(
            "Source of new pairs", stem, key=f"{_SOURCE}_{file.file_id}", width=320
        )
        st.button(
            f"Bring in {count:,} labels" if count != 1 else "Bring in 1 label",
            type="primary",
            icon=":material/download:",
            key="labels_bring",
            disabled=not count or held or under_way,
            on_click=partial(st.session_state.__setitem__, _GO, look.key),
        )
    if under_way and count and not held:
        _bring(db, file, look, fate=fate, source=source.strip() or stem)


def _bring(db: Database, file: UploadedFile, look: Look, *, fate: OnConflict, source: str) -> None:
    bar = st.progress(0.0, text="Reading the file")
    form = None if look.key[1] == _AUTO else look.form
    with _on_disk(file) as path:
        opened = label_files.open_labels(path, form=form, annotator=look.key[2])
        checked = label_merge.check(opened, skip_bad=True, hooks=_hooks(bar))
        label_merge.merge(
            checked,
            partial(label_merging.said_on, db),
            keep=partial(labels.add_many, db, source=source),
            on_conflict=fate,
            hooks=_hooks(bar),
        )
    st.session_state[_DONE] = look.key
    st.session_state.pop(_LOOK, None)
    st.rerun()
