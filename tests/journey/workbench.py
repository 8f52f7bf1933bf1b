"""The workbench as a person starts it: a workspace, a supervisor, and the app on a free port."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from cai_core.jobs import folder, lock
from cai_core.settings import PROJECT_DIR, JudgeSetting, Settings
from cai_core.store import database

HOST = "127.0.0.1"
SERVED = "Ratify runs at"
STOP_SECONDS = 20


@dataclass(frozen=True)
class Workbench:
    """A workspace that is served at `address`, by the processes of one group."""

    home: Path
    address: str
    group: int

    @contextmanager
    def db(self) -> Iterator[Database]:
        connection = database.connect(self.home / "ratify.db")
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Nothing is served meanwhile; what was asked waits."""
        os.killpg(self.group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.group, signal.SIGCONT)


@contextmanager
def serve(place: Path, model_id: str) -> Iterator[Workbench]:
    """Make a workspace in `place`, serve it, and end at last only what was started for it."""
    home = place / "home"
    home.mkdir(parents=True)
    settings = Settings(models=(model_id,), base_model=model_id, judge=JudgeSetting(model=model_id))
    settings.save(home / "settings.yaml")
    environment = os.environ | {
        "CAI_HOME": str(home),
        "CAI_MODELS": str(place / "models"),
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
    subprocess.run(
        [sys.executable, "-m", "cai_core", "init"], cwd=PROJECT_DIR, env=environment, check=True
    )
    port = _free_port()
    with (place / "serve.log").open("wb") as log:
        app = subprocess.Popen(
            [sys.executable, "scripts/serve.py", str(port)],
            cwd=PROJECT_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        assert app.stdout
        said = app.stdout.readline().decode()
        assert SERVED in said, (place / "serve.log").read_text()
        yield Workbench(home, f"http://{HOST}:{port}", app.pid)
    finally:
        _end(app)
        _end_jobs(home)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _end(app: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C does: to the script and the app, which share a process group of their own."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(app.pid, number)
        with suppress(subprocess.TimeoutExpired):
            app.wait(STOP_SECONDS)
            return


def _end_jobs(home: Path) -> None:
    """The supervisor first, so that it starts nothing more; then what still runs."""
    pids = [lock.holder(home / "supervisor.lock")]
    pids += [folder.holder(job) for job in (home / "runs").glob("*")]
    for pid in pids:
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
