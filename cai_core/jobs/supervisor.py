"""The one process of a workspace that starts jobs, watches them and reads what they write.

It may die at any time: jobs run in sessions of their own, and the next supervisor adopts them by
their locks. What a job is, is read from its lock and its end.json, never believed from the row.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlite_utils import Database

from cai_core.errors import CaiError
from cai_core.jobs import commands, folder, ingest, lock, queue
from cai_core.settings import Settings, database_path, home
from cai_core.store import database, work
from cai_core.store.work import Job

TICK_SECONDS = 0.5
START_SECONDS = 30.0  # from the start of a process to its lock
GRACE_SECONDS = 30.0  # from SIGTERM to SIGKILL
IDLE = "there was nothing to do"


class Process(Protocol):
    """What the supervisor needs of a child."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code once it has ended."""


def start_process(argv: Sequence[str], place: Path) -> Process:
    """Start a job's command in its folder, in a session and process group of its own."""
    with (place / "log.txt").open("ab") as log:
        return subprocess.Popen(
            argv,
            cwd=place,
            env=queue.job_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


class Supervisor:
    """Brings rows and folders together, one `tick` at a time.

    Args:
        program: what a job's argv is appended to.
        start: starts a process. clock: seconds since the epoch.
    """

    def __init__(
        self,
        db: Database,
        *,
        program: Sequence[str] = commands.PROGRAM,
        start: Callable[[Sequence[str], Path], Process] = start_process,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.db, self.program, self.start, self.clock = db, program, start, clock
        self._children: dict[str, Process] = {}
        self._leaving: list[Process] = []  # their jobs have ended, they are to be reaped
        self._terminated: dict[str, float] = {}  # job -> when it was sent SIGTERM

    def tick(self) -> bool:
        """Read, reconcile, start; whether anything is under way.

        Raises:
            CaiError, OSError: the first fault that passes (a full disk, bad settings), after
                everything else was done.
        """
        self._leaving = [child for child in self._leaving if child.poll() is None]
        faults = [self._tried(self._revive, job) for job in self._found("interrupted")]
        faults += [self._tried(self._attend, job) for job in self._found(*work.ACTIVE)]
        self._start_waiting()
        for fault in filter(None, faults):
            raise fault
        return bool(self._found(*work.ACTIVE))

    def _tried(self, step: Callable[[Job], None], job: Job) -> CaiError | OSError | None:
        """Do a step for one job; its fault must not keep the others waiting."""
        try:
            step(job)
        except (CaiError, OSError) as error:
            return error
        return None

    def _found(self, *states: work.State) -> list[Job]:
        return work.find(self.db, states=states)

    @property
    def has_work(self) -> bool:
        """Whether a job is under way or could start."""
        waiting = (job for job in self._found("queued") if not job.held)
        return bool(self._found(*work.ACTIVE)) or any(not self._why_not(job) for job in waiting)

    def _revive(self, job: Job) -> None:
        """A job that was taken for dead and holds its lock runs."""
        if folder.holder(queue.folder_of(job.id)) is not None:
            work.move(self.db, job.id, "running")

    def _attend(self, job: Job) -> None:
        place = queue.folder_of(job.id)
        exit_code = self._reap(job)
        if not place.is_dir():
            work.move(self.db, job.id, "failed", reason=f"its folder is gone ({place})")
            return
        pid = folder.holder(place)  # asked before end.json is read: it is written under the lock
        ingest.read_job(self.db, job, place)
        if pid is not None:
            self._attend_living(job, pid)
        elif end := folder.read_end(place):
            self._end(job, place, end)
        else:
            self._attend_silent(job, place, exit_code)

    def _reap(self, job: Job) -> int | None:
        """The exit code of a child of ours that has ended, so that no zombie stays."""
        child = self._children.get(job.id)
        return None if child is None else child.poll()

    def _attend_living(self, job: Job, pid: int) -> None:
        if job.state == "starting":
            work.move(self.db, job.id, "running")
        elif job.state == "stopping":
            self._press(job, pid)

    def _press(self, job: Job, pid: int) -> None:
        """SIGTERM once, SIGKILL after the grace, to the whole group."""
        sent = self._terminated.get(job.id)
        if sent is None:
            self._terminated[job.id] = self.clock()
            signal_group(pid, signal.SIGTERM)
        elif self.clock() - sent > GRACE_SECONDS:
            signal_group(pid, signal.SIGKILL)

    def _attend_silent(self, job: Job, place: Path, exit_code: int | None) -> None:
        """Neither a lock nor an end: it is not there yet, or it died without a word."""
        begun = self.clock() - seconds_of(job.started) <= START_SECONDS
        if exit_code is None and begun and job.state in ("starting", "stopping"):
            if job.state == "stopping":
                self._press_child(job)
            return
        self._drain(job, place)
        if job.state == "stopping":
            self._close(job, "cancelled", job.reason)
        elif job.state == "starting" and exit_code and exit_code > 0:
            said = folder.log_tail(place, lines=1).strip() or f"exit code {exit_code}"
            self._close(job, "failed", f"it did not start: {said}")
        else:
            self._close(job, "interrupted", _how_it_died(exit_code))

    def _press_child(self, job: Job) -> None:
        child = self._children.get(job.id)
        if child is not None:
            self._press(job, child.pid)

    def _end(self, job: Job, place: Path, end: folder.End) -> None:
        self._drain(job, place)
        work.note(self.db, job.id, result=end.result)
        if end.state == "held":
            self._close(job, "queued", queue.HELD + end.reason)
        elif end.state == "cancelled" and job.state != "stopping":
            self._close(job, "interrupted", "it was stopped from outside; resume it to go on")
        else:
            reason = job.reason if end.state == "cancelled" else end.reason
            self._close(job, end.state, reason)

    def _drain(self, job: Job, place: Path) -> None:
        while ingest.read_job(self.db, work.get(self.db, job.id), place):
            pass

    def _close(self, job: Job, state: work.State, reason: str) -> None:
        """Write down the end; a child that never took its lock is killed, others are just leaving."""
        work.move(self.db, job.id, state, reason=reason)
        self._terminated.pop(job.id, None)
        child = self._children.pop(job.id, None)
        if child is not None:
            if job.state == "starting" and child.poll() is None and state == "interrupted":
                signal_group(child.pid, signal.SIGKILL)
            self._leaving.append(child)

    def _start_waiting(self) -> None:
        waiting = [job for job in reversed(self._found("queued")) if not job.held]
        if not waiting:
            return
        free = Settings.load().slots - len(self._found(*work.ACTIVE))
        for job in waiting:
            reason = self._why_not(job)
            if not reason and free > 0:
                free -= 1
                self._start(job)
            else:
                work.say(self.db, job.id, reason or "waiting for a free slot")

    def _why_not(self, job: Job) -> str:
        """Why it cannot start yet; "" where it can."""
        if job.parent is None:
            return ""
        parent = work.get(self.db, job.parent)
        if parent.state == "succeeded":
            return ""
        if parent.state in work.ENDED:
            return (
                f"waiting for '{parent.title}', which is {parent.state}; resume that or cancel this"
            )
        return f"waiting for '{parent.title}'"

    def _start(self, job: Job) -> None:
        place = queue.folder_of(job.id)
        if not work.move(self.db, job.id, "starting"):
            return
        try:
            argv = [*self.program, *job.argv, "--job", str(place)]
            self._children[job.id] = self.start(argv, place)
        except OSError as error:
            work.move(self.db, job.id, "failed", reason=f"it could not be started: {error}")


def _how_it_died(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        return f"it was ended by {name}; what it had finished is kept, resume it to go on"
    return "it ended without a word; what it had finished is kept, resume it to go on"


def signal_group(pid: int, number: int) -> None:
    """Signal a process and its group; never the group that this process is in."""
    with suppress(ProcessLookupError, PermissionError):
        group = os.getpgid(pid)
        if group == os.getpgrp():
            os.kill(pid, number)
        else:
            os.killpg(group, number)


def seconds_of(time_text: str | None) -> float:
    """Seconds since the epoch of a time as stored; 0 where there is none."""
    return datetime.fromisoformat(time_text).timestamp() if time_text else 0.0


def supervise(
    *,
    idle: float | None = None,
    asked: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> str:
    """Be the supervisor of this workspace until `asked` to end; why it ended, in words.

    Args:
        idle: end after so many seconds without a job under way; None goes on for ever.
    Raises:
        JobError: another supervisor runs here.
    """
    home().mkdir(parents=True, exist_ok=True)
    taken = f"a supervisor runs for {home()} already; this one is not needed"
    db = database.connect()
    try:
        supervisor = Supervisor(db, clock=clock)
        while True:
            with lock.hold(home() / "supervisor.lock", taken=taken):
                why = _watch(supervisor, idle=idle, asked=asked, sleep=sleep)
            # who submitted in the last moment saw the lock held and started no supervisor
            if why != IDLE or not supervisor.has_work:
                return why
    finally:
        db.close()


def _watch(
    supervisor: Supervisor,
    *,
    idle: float | None,
    asked: Callable[[], bool],
    sleep: Callable[[float], None],
) -> str:
    path = database_path()
    mine = path.stat().st_ino
    busy_at = supervisor.clock()
    while not asked():
        if not path.exists() or path.stat().st_ino != mine:
            return "its workspace is gone"
        if _tick(supervisor):
            busy_at = supervisor.clock()
        elif idle is not None and supervisor.clock() - busy_at > idle:
            return IDLE
        sleep(TICK_SECONDS)
    return "it was told to; jobs run on"


def _tick(supervisor: Supervisor) -> bool:
    """One tick; a fault that passes (a full disk, a locked database) is told and tried again."""
    try:
        return supervisor.tick()
    except (CaiError, OSError) as error:
        print(f"supervisor: {error}", file=sys.stderr, flush=True)
        return True
