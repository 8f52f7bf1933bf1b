"""What pages and commands ask of jobs: submit, look, cancel, resume, release, pause.

A row in the database says what a job should be; its folder says what it does; the supervisor brings
them together. Whoever asks for something here makes sure that a supervisor runs.
"""

import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from cai_core.errors import JobError
from cai_core.jobs import commands, folder, lock, verdicts
from cai_core.schema import ConstitutionRef, Row
from cai_core.settings import PROJECT_DIR, home, runs_dir
from cai_core.store import work
from cai_core.store.database import audit, write_tx
from cai_core.store.work import ACTIVE, ENDED, Job

IDLE_SECONDS = 600
HELD = "held: "
_started: list[subprocess.Popen[bytes]] = []  # supervisors begun by this process, to be reaped


@dataclass(frozen=True)
class Submission:
    """A job to be.

    Args:
        kind: a key of `commands.COMMANDS`.
        options: the command's options, without --out and --job; names of `files` stand as they are,
            because the job runs in its folder.
        files: texts, or rows to be written as JSONL, by file name.
        constitution: what it is made under; the overview counts it there.
        parent: id of the job that must succeed first.
        config: whatever else the page wants to find again in `job.config`.
    """

    kind: str
    title: str
    options: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str | Sequence[Row]] = field(default_factory=dict)
    constitution: ConstitutionRef | None = None
    parent: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)


def submit(db: Database, job: Submission, *, by: str, supervise: bool = True) -> Job:
    """Write the job's folder, queue it, and see that a supervisor runs.

    Raises:
        JobError: an unknown kind. NotFoundError: no such parent.
    """
    argv = commands.argv(job.kind, job.options)
    if job.parent:
        work.get(db, job.parent)
    config = {
        "kind": job.kind,
        "title": job.title,
        "options": dict(job.options),
        "constitution": job.constitution.to_row() if job.constitution else None,
    }
    job_id = _new_id()
    row = {
        "id": job_id,
        "kind": job.kind,
        "title": job.title,
        "parent": job.parent,
        "argv": argv,
        "config": dict(job.config) | config,
        "submitted_by": by,
    }
    folder.create(folder_of(job_id), row, job.files)
    with write_tx(db):
        queued = work.add(db, row)
        audit(db, by, "submit job", job=queued.id, kind=job.kind)
    if supervise:
        ensure_supervisor()
    return queued


def _new_id() -> str:
    """Ids in order of time, readable in a folder listing."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def folder_of(job_id: str) -> Path:
    """The job's folder; it need not be there."""
    return runs_dir() / job_id


def out_of(job: Job) -> Path:
    """Where the job's command writes: a file of rows, a trained model, or a result."""
    return folder_of(job.id) / commands.command(job.kind).out


def get(db: Database, job_id: str) -> Job:
    return work.get(db, job_id)


def find(
    db: Database,
    *,
    states: Sequence[work.State] = (),
    kinds: Sequence[str] = (),
    limit: int | None = None,
) -> list[Job]:
    """Jobs, newest first."""
    return work.find(db, states=states, kinds=kinds, limit=limit)


def active(db: Database) -> list[Job]:
    """Jobs that start, run or stop, newest first."""
    return work.find(db, states=ACTIVE)


def log_tail(job_id: str, *, lines: int = 200) -> str:
    return folder.log_tail(folder_of(job_id), lines=lines)


def cancel(db: Database, job_id: str, *, by: str, supervise: bool = True) -> Job:
    """Take a waiting job from the queue; ask a living one to stop, by force after half a minute.

    Raises:
        JobError: it has ended already.
    """
    with write_tx(db):
        job = work.get(db, job_id)
        if job.state in ENDED:
            raise JobError(f"'{job.title}' has ended already ({job.state})")
        if job.state == "queued":
            work.move(db, job_id, "cancelled", reason=f"cancelled by {by} before it ran")
        elif folder_of(job_id).is_dir():
            folder.stop(folder_of(job_id))
            work.move(db, job_id, "stopping", reason=f"cancelled by {by}")
        audit(db, by, "cancel job", job=job_id)
    if supervise:
        ensure_supervisor()
    return work.get(db, job_id)


def resume(db: Database, job_id: str, *, by: str, supervise: bool = True) -> Job:
    """Queue a job that failed, was cancelled or interrupted: it goes on from where it was.

    One that succeeded with rows that failed asks these again, and these alone.

    Raises:
        JobError: it runs, waits, or has succeeded without a failed row; or its folder is gone.
    """
    job = work.get(db, job_id)
    failed_rows = job.state == "succeeded" and job.failures
    if job.state not in ("failed", "cancelled", "interrupted") and not failed_rows:
        raise JobError(
            f"'{job.title}' is {job.state}; only what did not finish, or has rows that failed, can be"
            " resumed"
        )
    return _again(db, job, by=by, what="resume job", supervise=supervise)


def describe(db: Database, job_id: str, *, title: str, note: str, by: str) -> None:
    """Rename a job and keep a note about it; what it does stays.

    Raises:
        JobError: an empty title.
    """
    if not title.strip():
        raise JobError("a run needs a name; write one")
    with write_tx(db):
        work.describe(db, job_id, title=title.strip(), note=note.strip())
        audit(db, by, "describe job", job=job_id, title=title.strip(), note=note.strip())


def archive(db: Database, job_id: str, *, away: bool, by: str) -> None:
    """Put an ended job out of the way, or back; its files stay.

    Raises:
        JobError: it has not ended.
    """
    with write_tx(db):
        job = work.get(db, job_id)
        if away and job.state not in ENDED:
            raise JobError(f"'{job.title}' is {job.state}; only what has ended can be archived")
        work.archive(db, job_id, away=away)
        audit(db, by, "archive job" if away else "bring back job", job=job_id)


def release(db: Database, job_id: str, *, by: str, supervise: bool = True) -> Job:
    """Send on a job that is held for a person, with what people said about its pairs meanwhile.

    Raises:
        JobError: it is not held.
    """
    job = work.get(db, job_id)
    if not job.held:
        raise JobError(f"'{job.title}' is not held; it is {job.state}")
    if folder_of(job.id).is_dir():
        verdicts.hand_back(db, job, folder_of(job.id))
    return _again(db, job, by=by, what="release job", supervise=supervise)


def _again(db: Database, job: Job, *, by: str, what: str, supervise: bool) -> Job:
    place = folder_of(job.id)
    if not place.is_dir():
        raise JobError(f"the folder of '{job.title}' is gone ({place}); submit it anew")
    if folder.holder(place) is not None:
        raise JobError(f"'{job.title}' still runs; wait a moment")
    with write_tx(db):
        if not work.move(db, job.id, "queued", source=[job.state], attempt=1):
            raise JobError(f"'{job.title}' is {work.get(db, job.id).state} by now")
        folder.reset(place)
        audit(db, by, what, job=job.id)
    if supervise:
        ensure_supervisor()
    return work.get(db, job.id)


@contextmanager
def paused(db: Database) -> Iterator[None]:
    """Let running jobs wait while the block has the device; ten minutes at most."""
    places = [folder_of(job.id) for job in work.find(db, states=["running"])]
    for place in places:
        folder.pause(place)
    try:
        yield
    finally:
        for place in places:
            folder.resume(place)


def wait(
    db: Database,
    job_id: str,
    *,
    seconds: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Job:
    """The job once it has ended or is held. Raises JobError: that took longer than `seconds`."""
    began = clock()
    while True:
        job = work.get(db, job_id)
        if job.state in ENDED or job.held:
            return job
        if seconds is not None and clock() - began > seconds:
            raise JobError(f"'{job.title}' is still {job.state} after {seconds:.0f} s")
        sleep(0.2)


def supervisor_pid() -> int | None:
    """The supervisor of this workspace; None where none runs."""
    return lock.holder(home() / "supervisor.lock")


def ensure_supervisor() -> None:
    """Start a supervisor in a session of its own where none runs; it outlives this process.

    Raises:
        JobError: it cannot be started.
    """
    _started[:] = [process for process in _started if process.poll() is None]
    if supervisor_pid() is not None:
        return
    place = home()
    place.mkdir(parents=True, exist_ok=True)
    command = [*commands.PROGRAM, "jobs", "supervise", "--idle", str(IDLE_SECONDS)]
    environment = job_environment() | {"CAI_HOME": str(place)}
    try:
        with (place / "supervisor.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise JobError(f"the supervisor of jobs could not be started: {error}") from error
    _started.append(process)


def job_environment() -> dict[str, str]:
    """What a job's process finds in its environment."""
    given = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(PROJECT_DIR), *([given] if given else [])])
    return os.environ | {
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
