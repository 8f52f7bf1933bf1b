"""Certificates that were stamped, where their labels go on: into datasets and onto the page of frozen ones."""

from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.review.certificate import Certificate
from cai_core.schema import Row
from cai_core.store import certificates, labels, measured, temperatures
from cai_core.store.certificates import Stamp
from cai_core.store.labels import JudgeUse
from ui.plain import label
from ui.review_choice import Judge

_CARRIED = ("estimate", "low", "high", "n", "population", "known", "assumes_random", "human_human")


def carried(found: Certificate, population: str, *, person: str) -> Row:
    """What a manifest and a model card carry of a certificate."""
    row = found.to_row()
    kept = {name: row[name] for name in (*_CARRIED, "date", "hash")}
    return kept | {"words": found.words(), "population_words": population, "stamped_by": person}


def of_judge(db: Database, judge: Judge | None) -> Row | None:
    """The newest certificate that stands for this judge's labels, as a manifest carries it."""
    stamps = [certificates.newest_of_judge(db, _key(use)) for use in _uses(db, judge)]
    newest = max(filter(None, stamps), key=lambda one: one.created, default=None)
    return _row(newest) if newest else None


def _row(stamp: Stamp) -> Row:
    kept = {name: stamp.row.get(name) for name in (*_CARRIED, "date", "hash", "population_words")}
    return kept | {"words": stamp.words, "stamped_by": stamp.person}


def calibration_of(db: Database, judge: Judge | None) -> tuple[float | None, str]:
    """What this judge's log-odds are divided by, None for nothing, and a sentence of it."""
    found = {temperatures.standing(db, use) for use in _uses(db, judge)}
    if len({one.value if one else None for one in found}) > 1:
        return None, "This judge is not calibrated: its wordings have different temperatures."
    one = next(iter(found), None)
    if one is None:
        return None, "This judge is not calibrated: no temperature is in use for it (Quality)."
    return one.value, (
        f"This judge's log-odds are divided by {one.value:.2f}, fitted on n = {one.n:,} pairs read"
        " blind (Quality)."
    )


def _uses(db: Database, judge: Judge | None) -> list[JudgeUse]:
    """The settings that are this judge's, whatever their template."""
    return [use for use in labels.judge_uses(db) if Judge.of(use) == judge] if judge else []


def _key(use: JudgeUse) -> str:
    return f"judge:{measured.setting_key(use)}"


def show(certificate: Row | None) -> None:
    """Say how right the labels of a frozen dataset are, as far as that was stamped."""
    if not certificate:
        st.caption(
            "No certificate stands for these labels. Open **Quality**, choose the dataset, and stamp one."
        )
        return
    of, words = (_said(certificate, name) for name in ("population_words", "words"))
    st.markdown(f":material/verified: Of {of}: {words}")
    st.caption(
        f"Stamped by {_said(certificate, 'stamped_by')}; dated {_said(certificate, 'date')},"
        f" hash {_said(certificate, 'hash')}."
    )


def _said(certificate: Row, name: str) -> str:
    value: Any = certificate.get(name)
    return label(str(value or "–"), limit=500)
