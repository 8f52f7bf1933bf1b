"""The quality page below the choice of labels: the certificate, and one tab on each thing that explains it."""

import streamlit as st
from sqlite_utils import Database

from ui import (
    quality_agreement,
    quality_bias,
    quality_calibration,
    quality_certificate,
    quality_hour,
    quality_learned,
    quality_more,
)
from ui.quality_data import Quality

TAB = "quality_tab"
NAMES = ("How many more", "Calibration", "Bias", "Agreement", "Learned judge", "My hour")


def show(db: Database, quality: Quality) -> None:
    """Draw the certificate and the open tab; nothing is computed for the others."""
    quality_certificate.show(db, quality)
    shown = (
        quality_more.show,
        quality_calibration.show,
        quality_bias.show,
        quality_agreement.show,
        quality_learned.show,
        quality_hour.show,
    )
    for tab, draw in zip(st.tabs(NAMES, key=TAB, on_change="rerun"), shown, strict=True):
        if tab.open:
            with tab:
                draw(db, quality)
