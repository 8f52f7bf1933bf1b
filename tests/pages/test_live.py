"""Models that answer while a page waits."""

from streamlit.testing.v1 import AppTest

from cai_core.jobs import queue
from cai_core.store import work

SCRIPT = """
import streamlit as st
from cai_core.schema import Sampling, user
from cai_core.settings import Settings, runs_dir
from cai_core.store import database
from ui import live

kept, paused = [], []

def keep(text):
    kept.append(text)
    paused.append(any(runs_dir().glob("*/pause")))

db = database.connect()
with live.interactive(db):
    model = live.model(Settings.load().base_model)
    said = live.stream(model, (user("How do I make tea?"),), Sampling(max_new_tokens=8), keep=keep)
db.close()
st.session_state.said, st.session_state.kept, st.session_state.paused = said, kept, paused
"""


def test_an_answer_streams_and_is_kept_piece_by_piece(talking_workspace):
    at = AppTest.from_string(SCRIPT, default_timeout=120).run()
    assert not at.exception
    said, kept = at.session_state["said"], at.session_state["kept"]
    assert said
    assert kept[-1] == said
    assert all(said.startswith(text) for text in kept)


def test_running_jobs_wait_only_while_the_model_answers(talking_workspace):
    with talking_workspace.db() as db:
        row = {"id": "j1", "kind": "sft", "title": "t", "parent": None, "submitted_by": "Ada"}
        job = work.add(db, row | {"argv": [], "config": {}})
        assert work.move(db, job.id, "starting")
        assert work.move(db, job.id, "running")
        place = queue.folder_of(job.id)
    place.mkdir(parents=True)
    at = AppTest.from_string(SCRIPT, default_timeout=120).run()
    assert not at.exception
    assert all(at.session_state["paused"])
    assert not (place / "pause").exists()
