"""Curate: choose what goes into training, and freeze it as a dataset."""

import streamlit as st

from ui import curate_datasets, curate_forms, curate_preview, frame

with frame.page("curate") as db:
    kinds = {
        "Preference": curate_forms.preference,
        "SFT": curate_forms.sft,
        "Prompts": curate_forms.prompt_set,
    }
    kind = st.segmented_control(
        "Kind of dataset",
        list(kinds),
        default="Preference",
        required=True,
        key="curate_kind",
        label_visibility="collapsed",
    )
    form, preview = st.columns([2, 3], gap="large")
    with form:
        made = kinds[kind](db)
    if made is not None:
        with preview:
            curate_preview.show(db, made)
    curate_datasets.show(db)
