"""Labels in and out, from the quality page: files of labels made elsewhere, and files for elsewhere."""

import streamlit as st
from sqlite_utils import Database

from ui import labels_download, labels_upload

OPEN = "quality_files"


def show(db: Database) -> None:
    """A button that opens both; nothing is read while it is closed."""
    place = st.popover("In and out", icon=":material/swap_vert:", key=OPEN, on_change="rerun")
    if not place.open:
        return
    with place:
        bring, take = st.tabs(["Bring labels in", "Take labels away"])
        with bring:
            labels_upload.show_import(db)
        with take:
            labels_download.show_export(db)
