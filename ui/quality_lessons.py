"""What the learned judge is taught from on the quality page, and the head that comes of it.

Fitted anew whenever a verdict was added; features that were read once stay in memory.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import streamlit as st
from sqlite_utils import Database

from cai_core.feedback.features import kept_pairs
from cai_core.models.cached import CachedModel
from cai_core.models.features import FEATURES
from cai_core.models.protocol import Features
from cai_core.review.head import NEEDED, Beside, Head, Lessons, Maker, beside, fit
from cai_core.review.sampled import Readings, measuring, relative_weights
from cai_core.review.taught import Taught
from cai_core.schema import Pair
from cai_core.settings import Settings, database_path
from cai_core.stats import FloatArray
from cai_core.store import measured, pairs
from ui import live
from ui.quality_data import Quality

MODEL = "quality_model"  # session state: whose features are read
MOST = 1_000  # pairs that teach here, the newest: a fit of them takes a blink


@dataclass(frozen=True, eq=False)
class Learning:
    """`taught` has the pairs whose features are there, `numbers` (n,) theirs in the workspace.

    `missing` are pairs that people read and no model yet. `head` is None under NEEDED pairs;
    `compared` is None where the subject's judge gave no label on these pairs.
    """

    model: str
    taught: Taught
    numbers: tuple[int, ...]
    missing: tuple[Pair, ...]
    head: Head | None = None
    compared: Beside | None = None


def model_id() -> str:
    """The model whose features are read: the workspace's own, or the one chosen on the tab."""
    return str(st.session_state.get(MODEL) or Settings.load().base_model)


def learning(db: Database, quality: Quality) -> Learning:
    """Raises ModelError: the model is not on this machine."""
    model = live.model(model_id())
    if not isinstance(model, CachedModel):
        return Learning(model.id, _nobody(), (), ())
    everything = _all_taught(quality.mark[:2], db, quality.readings)
    diffs = differences(everything[0].pairs, model)
    mark = (*quality.mark, model.fingerprint, len(diffs))
    return _learning(mark, db, quality, everything, diffs, model)


def _nobody() -> Taught:
    return Taught((), np.zeros(0), np.zeros(0))


@st.cache_resource(max_entries=4, show_spinner=False)
def _all_taught(
    mark: tuple[Any, ...], _db: Database, _readings: Readings
) -> tuple[Taught, tuple[int, ...]]:
    """The newest MOST pairs with a first blind verdict, whoever judged them."""
    said = _readings.verdicts
    teaches = said.first_blind & ~np.isnan(said.sides)
    numbers = np.sort(
        np.array(list(dict.fromkeys(said.pairs[teaches][::-1].tolist()))[:MOST], dtype=np.int64)
    )
    mine = said.where(teaches & np.isin(said.pairs, numbers))
    found = measuring(numbers, mine)
    stored = pairs.by_seq(_db, numbers.tolist())
    names = Counter(mine.names[at] for at in mine.people.tolist())
    taught = Taught(
        tuple(stored[seq].pair for seq in numbers.tolist()),
        found.mean,
        _weights(numbers, _readings),
        dict(names),
        left_out=dict(Counter(said.said[said.first_blind & np.isnan(said.sides)].tolist())),
    )
    return taught, tuple(numbers.tolist())


def _weights(numbers: Any, readings: Readings) -> FloatArray:
    """1 / pi, 1 on average; 1 for pairs that no draw brought up."""
    drawn = readings.draws.where(np.isin(readings.draws.pairs, numbers))
    weights = np.ones(len(numbers))
    weights[np.searchsorted(numbers, drawn.pairs)] = relative_weights(drawn, whole=False)
    return weights


@st.cache_resource(max_entries=2, show_spinner=False)
def _known(place: str, fingerprint: str) -> dict[str, tuple[Features, Features]]:
    """Features of both answers by the pair's id, of everything that was looked up so far."""
    return {}


def features_of(some: tuple[Pair, ...], model: CachedModel) -> dict[str, tuple[Features, Features]]:
    """Those of these pairs whose answers were read; nothing is loaded."""
    known = _known(str(database_path()), model.fingerprint)
    for one in kept_pairs([pair for pair in some if pair.id not in known], model):
        assert one.a is not None
        assert one.b is not None
        known[one.pair.id] = (one.a, one.b)
    return {pair.id: known[pair.id] for pair in some if pair.id in known}


def differences(some: tuple[Pair, ...], model: CachedModel) -> dict[str, Features]:
    return {key: a - b for key, (a, b) in features_of(some, model).items()}


@st.cache_resource(max_entries=4, show_spinner="Fitting the learned judge …")
def _learning(
    mark: tuple[Any, ...],
    _db: Database,
    _quality: Quality,
    _everything: tuple[Taught, tuple[int, ...]],
    _diffs: dict[str, Features],
    _model: CachedModel,
) -> Learning:
    everything, numbers = _everything
    there = [at for at, pair in enumerate(everything.pairs) if pair.id in _diffs]
    taught = everything.only(there)
    missing = tuple(pair for pair in everything.pairs if pair.id not in _diffs)
    kept = tuple(numbers[at] for at in there)
    made = Learning(_model.id, taught, kept, missing)
    if len(taught) < NEEDED:
        return made
    lessons = Lessons.of(taught, np.array([_diffs[pair.id] for pair in taught.pairs]))
    learned = fit(lessons)
    maker = Maker(_model.id, _model.fingerprint, FEATURES)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    p_a, votes = _judges(_db, _quality, kept)
    compared = beside(lessons, learned, p_a, votes=votes) if (~np.isnan(p_a)).any() else None
    return Learning(
        _model.id,
        taught,
        kept,
        missing,
        Head.of(learned, taught, model=maker, created=now),
        compared,
    )


def _judges(
    db: Database, quality: Quality, numbers: tuple[int, ...]
) -> tuple[FloatArray, FloatArray | None]:
    """The subject's judge on these pairs: P(A better) (n,) and its principles' votes (n, k)."""
    wanted = np.array(numbers, dtype=np.int64)
    judged = quality.judged
    p_a = np.full(len(wanted), np.nan)
    there = np.isin(wanted, judged.pairs)
    at = np.searchsorted(judged.pairs, wanted[there])
    p_a[there] = judged.p_a[at]
    if quality.subject.dataset is not None:
        return p_a, None
    found = measured.votes_at(db, judged.labels[at].tolist())
    votes = np.full((len(wanted), found.shape[1]), np.nan)
    votes[there] = found
    return p_a, votes if found.shape[1] else None
