"""The rows of a frozen preference dataset as columns: which pair each is, and what its label says."""

import numpy as np
import streamlit as st
from sqlite_utils import Database

from cai_core.curate import snapshot
from cai_core.curate.filters import Filters
from cai_core.review.frozen import Kept
from cai_core.schema import SPLITS, Pair, Row, chat_from_row, content_hash
from cai_core.schema.readings import JudgedPairs
from cai_core.store import measured
from cai_core.store.datasets import Dataset
from cai_core.store.labels import LabelFilter

_SPOKEN = ("people", "corrected")  # `labelled_by` of rows whose label is a person's own


@st.cache_resource(max_entries=2, show_spinner="Reading the dataset …")
def rows_of(key: str, _db: Database, _dataset: Dataset) -> tuple[JudgedPairs, int]:
    """Its rows that are pairs of this workspace, and how many are not."""
    frozen = snapshot.read(_dataset.path)
    rows = [row for split in SPLITS for row in frozen.rows(split)]
    chosen = {_identity(row): row for row in rows}
    there = measured.numbers_of(_db, list(chosen))
    found = sorted((seq, _p_a(chosen[identity], first)) for identity, (seq, first) in there.items())
    numbers = np.array([seq for seq, _ in found], dtype=np.int64)
    p_a = np.array([p for _, p in found], dtype=np.float64)
    sides = np.where(p_a > 0.5, 1.0, np.where(p_a < 0.5, 0.0, 0.5))
    shaky = np.zeros(len(found), dtype=bool)
    return JudgedPairs(numbers, numbers * 0, p_a, sides, shaky), len(rows) - len(found)


def _identity(row: Row) -> str:
    chosen, rejected = row["chosen"][-1]["content"], row["rejected"][-1]["content"]
    return Pair.id_of(chat_from_row(row["prompt"]), chosen, rejected)


def _p_a(row: Row, first: str) -> float:
    """P(the workspace's first answer is better); `first` is the id of its text.

    What people said counts as said here, not as far as it is trusted in training.
    """
    p = float(row["p_chosen"])
    if row.get("labelled_by") in _SPOKEN and p != 0.5:
        p = 1.0
    return p if content_hash(row["chosen"][-1]["content"]) == first else 1 - p


def judge_of(dataset: Dataset) -> LabelFilter | None:
    """Whose labels its rows have where nobody spoke; None for people's only."""
    asked = (dataset.manifest.get("settings") or {}).get("judge") or {}
    known = {name: asked[name] for name in LabelFilter.__dataclass_fields__ if name in asked}
    if not known.get("annotator"):
        judges = dataset.manifest.get("judges") or []
        return LabelFilter(annotator=judges[0]) if len(judges) == 1 else None
    return LabelFilter(**known)


def kept_by(dataset: Dataset) -> Kept:
    """Which judgements passed its filters."""
    filters = Filters.of(dict(dataset.manifest.get("filters") or {}))
    return Kept(filters.min_margin, filters.keep_ties, not filters.drop_inconsistent)
