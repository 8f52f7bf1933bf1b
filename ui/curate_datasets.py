"""Datasets that were frozen: what each holds, where it came from, and its files to take away."""

import io
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.curate import snapshot
from cai_core.curate.snapshot import Snapshot
from cai_core.errors import DataError
from cai_core.schema import SPLITS
from cai_core.store import datasets
from cai_core.store.datasets import Dataset
from ui import cards, curate_preview, menu, quality_stamps
from ui.plain import label, shorten

_NAMES = {"sft": "SFT", "preference": "Preference", "prompts": "Prompts"}


def show(db: Database) -> None:
    """The table of all, and one of them closely."""
    st.subheader("Frozen datasets", anchor=False)
    found = datasets.find(db)
    if not found:
        cards.empty(
            "Nothing is frozen yet",
            "Choose what goes in above, look at the counts, and press **Freeze**. Training reads"
            " frozen datasets only.",
        )
        return
    st.dataframe(
        pd.DataFrame([_row(item) for item in found]), hide_index=True, alt="Frozen datasets"
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Dataset", found, format_func=_name, key="dataset_chosen", width=420)
        menu.link("train", "Train on it")
    _closely(chosen)


def _name(item: Dataset) -> str:
    return f"{item.name} · {_NAMES[item.kind]} · {item.id[:8]}"


def _row(item: Dataset) -> dict[str, object]:
    counts = item.manifest.get("counts") or {}
    splits = {name.capitalize(): sum(counts.get(name, {}).values()) for name in SPLITS}
    helpful = (item.manifest.get("helpful_share") or {}).get("actual")
    return {
        "Name": shorten(item.name, 60),
        "Kind": _NAMES[item.kind],
        **splits,
        "Helpful": "–" if helpful is None or item.kind == "prompts" else f"{helpful:.0%}",
        "By": item.author,
        "Frozen": item.created[:16].replace("T", " "),
        "Hash": item.id,
    }


def _closely(item: Dataset) -> None:
    try:
        frozen = snapshot.read(item.path)
    except DataError as error:
        st.error(label(str(error), limit=600), icon=":material/error:")
        return
    with st.container(horizontal=True):
        _download(frozen, item, "TRL JSONL", "jsonl")
        _download(frozen, item, "Parquet", "parquet")
    rows, manifest = st.tabs(["Rows", "Manifest"])
    with rows:
        split = st.segmented_control(
            "Split", SPLITS, default="train", required=True, key=f"dataset_split_{item.id}"
        )
        there = frozen.rows(split)
        if there:
            curate_preview.sample(item.kind, there[: curate_preview.SHOWN])
        st.caption(f"{min(len(there), curate_preview.SHOWN)} of {len(there)} rows")
    with manifest:
        if item.kind == "preference":
            quality_stamps.show(frozen.certificate)
            for words in snapshot.label_words(frozen.manifest):
                st.caption(label(words, limit=500))
        st.json(dict(frozen.manifest))


def _download(frozen: Snapshot, item: Dataset, words: str, format_: str) -> None:
    st.download_button(
        f"Download as {words}",
        data=partial(zipped, frozen, format_),
        file_name=f"{item.path.name}-{format_}.zip",
        mime="application/zip",
        icon=":material/download:",
        key=f"download_{format_}_{item.id}",
        on_click="ignore",
    )


def zipped(frozen: Snapshot, format_: str) -> bytes:
    """The files of a dataset and its manifest in one zip."""
    write = snapshot.export_parquet if format_ == "parquet" else snapshot.export_jsonl
    packed = io.BytesIO()
    with (
        tempfile.TemporaryDirectory() as place,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for path in write(frozen, Path(place) / "out"):
            archive.write(path, path.name)
        archive.write(frozen.path / "manifest.json", "manifest.json")
    return packed.getvalue()
