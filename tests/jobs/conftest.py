"""A workspace of its own for each test, and a supervisor whose jobs are tests/jobs/tiny.py."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from cai_core.jobs import folder, queue
from cai_core.jobs.supervisor import Supervisor
from cai_core.store import database, work

TINY = (sys.executable, str(Path(__file__).with_name("tiny.py")))
WAIT_SECONDS = 60.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def db(home: Path) -> Iterator[Database]:
    opened = database.connect()
    yield opened
    for job in work.find(opened):
        pid = folder.holder(queue.folder_of(job.id))
        if pid not in (None, os.getpid()):
            os.kill(pid, signal.SIGKILL)
    opened.close()


@pytest.fixture
def supervisor(db: Database) -> Supervisor:
    return Supervisor(db, program=TINY)


def submit(db: Database, kind: str = "judge", **more: Any) -> work.Job:
    """Queue a job of tests/jobs/tiny.py; `more` are its options, and `parent`."""
    parent = more.pop("parent", None)
    job = queue.Submission(kind, f"{kind} job", options=more, parent=parent)
    return queue.submit(db, job, by="Ada", supervise=False)


def until(supervisor: Supervisor, holds: Callable[[], bool]) -> None:
    """Tick until something holds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, [vars(j) for j in work.find(supervisor.db)]
        supervisor.tick()
        time.sleep(0.02)


def until_state(supervisor: Supervisor, job: work.Job, *states: work.State) -> work.Job:
    until(supervisor, lambda: work.get(supervisor.db, job.id).state in states)
    return work.get(supervisor.db, job.id)
