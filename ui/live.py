"""A model that answers while the page waits: loaded once for all, one question at a time.

Running jobs wait meanwhile, and the page says so. Text is kept piece by piece, so that a rerun of
the script (a click on Stop) loses nothing of what was said.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st
from sqlite_utils import Database
from streamlit.delta_generator import DeltaGenerator

from cai_core.errors import ModelError
from cai_core.jobs import queue
from cai_core.models import capabilities, catalogue
from cai_core.models.protocol import Model
from cai_core.models.thinking import split_thinking, spoken_so_far
from cai_core.schema import Chat, Sampling
from cai_core.settings import Settings
from cai_core.store import work
from cai_core.store.cache import SqliteCache
from ui.plain import block

MODELS_KEPT = 2  # in memory; the one that was asked for longest ago goes
TURN_SECONDS = 120.0  # to wait for somebody else's question
REDRAW_SECONDS = 0.1


def model(model_id: str) -> Model:
    """The model of an id; loaded where nobody asked for it before. Raises ModelError."""
    return _loaded(model_id, _endpoint_of(model_id))


def _endpoint_of(model_id: str) -> str:
    """The endpoint's settings, and what is known of it, as text: changed, it is another model."""
    kind, name = catalogue.parse(model_id)
    if kind != "endpoint":
        return ""
    place, _, model = name.partition("/")
    endpoint = Settings.load().endpoint(place)
    return f"{endpoint.model_dump_json()} {capabilities.known(endpoint, model)}"


@st.cache_resource(max_entries=MODELS_KEPT, show_spinner="Loading the model …")
def _loaded(model_id: str, endpoint: str) -> Model:
    return catalogue.load(model_id, cache=SqliteCache())


@st.cache_resource
def _turn() -> threading.Lock:
    return threading.Lock()


@contextmanager
def interactive(db: Database) -> Iterator[None]:
    """Have the device: running jobs wait, and so does everybody else who asks a model here.

    Raises:
        ModelError: somebody else's question took too long.
    """
    note = st.empty()
    if _turn().locked():
        note.caption(":material/hourglass_top: Somebody else is asking a model; yours comes next.")
    if not _turn().acquire(timeout=TURN_SECONDS):
        raise ModelError("somebody else is asking a model for long now; try again in a while")
    try:
        n = len(work.find(db, states=["running"]))
        note.caption(_waiting_sentence(n)) if n else note.empty()
        with queue.paused(db):
            yield
    finally:
        _turn().release()
        note.empty()


def _waiting_sentence(n: int) -> str:
    jobs = "A running job waits" if n == 1 else f"{n} running jobs wait"
    return f":material/pause: {jobs} while the model answers here."


def stream(
    speaker: Model,
    chat: Chat,
    params: Sampling,
    *,
    keep: Callable[[str], None] = lambda text: None,
    slot: DeltaGenerator | None = None,
) -> str:
    """Draw an answer as it comes, as plain text; `keep` is told all that was said so far.

    What the model thinks before it answers is not shown. Raises ModelError: it only thought.
    """
    slot = slot or st.empty()
    slot.caption(":shimmer[Thinking]")
    written, text, drawn = "", "", 0.0
    for piece in speaker.stream(chat, params):
        written += piece
        text = spoken_so_far(written)
        keep(text)
        if time.monotonic() - drawn > REDRAW_SECONDS and text.strip():
            slot.html(block(text))
            drawn = time.monotonic()
    split_thinking(written)
    if text.strip():
        slot.html(block(text))
    else:
        slot.caption("The model said nothing.")
    return text


def stream_answer(
    db: Database,
    model_id: str,
    chat: Chat,
    params: Sampling,
    *,
    keep: Callable[[str], None] = lambda text: None,
) -> str:
    """One turn of a chat, drawn as it comes; `keep` is told all that was said so far."""
    with st.chat_message("assistant", avatar=":material/smart_toy:"), interactive(db):
        return stream(model(model_id), chat, params, keep=keep)
