"""What the quality page's numbers are computed from, read once and kept until anything is added."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import streamlit as st
from sqlite_utils import Database

from cai_core.review.calibration import apply
from cai_core.review.certificate import Certificate, certificate
from cai_core.review.frozen import frozen
from cai_core.review.head_label import METHOD
from cai_core.review.sampled import Readings, Sample, sample
from cai_core.schema.readings import JudgedPairs
from cai_core.settings import database_path
from cai_core.stats import FloatArray
from cai_core.store import labels, measured
from cai_core.store.datasets import Dataset
from cai_core.store.labels import LabelFilter
from ui import quality_rows
from ui.quality_subject import Subject

KEPT = 4  # subjects whose columns stay in memory: 200,000 judgements take 10 MB


@dataclass(frozen=True, eq=False)
class Quality:
    """A subject with what was read of it; `mark` changes when anything that it is read from does.

    `judged` are the judge's labels; of a dataset, the judge's that its rows have. `elsewhere` counts
    rows of a dataset whose pairs are not in the workspace.
    """

    subject: Subject
    judged: JudgedPairs
    readings: Readings
    sample: Sample
    mark: tuple[Any, ...]
    elsewhere: int = 0


def read(db: Database, subject: Subject) -> Quality:
    mark = (str(database_path()), measured.newest(db), subject.key)
    return _read(mark, db, subject)


@st.cache_resource(max_entries=KEPT, show_spinner="Reading labels …")
def _read(mark: tuple[Any, ...], _db: Database, _subject: Subject) -> Quality:
    readings = _readings(mark[:2], _subject.scope, _db)
    if _subject.dataset is not None:
        return _of_dataset(mark, _db, _subject, readings)
    assert _subject.use is not None
    judged = measured.judged(_db, _subject.use)
    if _subject.scope:
        judged = judged.where(np.isin(judged.pairs, measured.pairs_in(_db, _subject.scope)))
    taught = None if _subject.use.method == METHOD else _taught(_db, judged)
    return Quality(_subject, judged, readings, sample(judged, readings, taught=taught), mark)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _readings(mark: tuple[Any, ...], scope: str, _db: Database) -> Readings:
    newest = measured.newest(_db)[0]
    draws, said = measured.draws(_db, scope), measured.verdicts(_db)
    return Readings(draws, said, newest, whole=not scope)


def _of_dataset(
    mark: tuple[Any, ...], db: Database, subject: Subject, readings: Readings
) -> Quality:
    assert subject.dataset is not None
    rows, elsewhere = quality_rows.rows_of(
        f"{mark[0]} {mark[1][0]} {subject.key}", db, subject.dataset
    )
    where = quality_rows.judge_of(subject.dataset) or LabelFilter(annotator="")
    judged = _tempered(measured.judged_where(db, where), subject.dataset)
    found = frozen(rows, judged, readings, kept=quality_rows.kept_by(subject.dataset))
    return Quality(subject, found.judged, readings, found, mark, elsewhere)


def _tempered(judged: JudgedPairs, dataset: Dataset) -> JudgedPairs:
    """As the rows were frozen: with the temperature that was in use then."""
    value = (dataset.manifest.get("settings") or {}).get("temperature")
    return replace(judged, p_a=apply(float(value), judged.p_a)) if value else judged


def _taught(db: Database, judged: JudgedPairs) -> FloatArray | None:
    """P(A better) by the learned judge that labelled last, on these pairs; None without any."""
    heads = [use for use in labels.judge_uses(db) if use.method == METHOD]
    if not heads:
        return None
    head = measured.judged(db, heads[0])
    places = np.searchsorted(head.pairs, judged.pairs)
    there = np.isin(judged.pairs, head.pairs)
    found = np.full(len(judged), np.nan)
    found[there] = head.p_a[places[there]]
    return found


def certificate_of(quality: Quality) -> Certificate:
    return _certificate(quality.mark, quality)


@st.cache_resource(max_entries=4 * KEPT, show_spinner="Computing the certificate …")
def _certificate(mark: tuple[Any, ...], _quality: Quality) -> Certificate:
    found = _quality.sample
    today = datetime.now(UTC).date().isoformat()
    return certificate(found.population, found.reviewed, human_human=found.human_human, date=today)
