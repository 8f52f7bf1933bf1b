"""What a job is on disk. A command that runs as a job writes here; the supervisor reads it.

    config.json       what was submitted            progress.json   how far it is
    input.jsonl, ...  what it works on              metrics.jsonl   {step, values} a line
    output.jsonl      its rows                      events.jsonl    {time, event, ...} a line
    log.txt           its stdout and stderr         end.json        how this attempt ended
    lock              held while it lives           stop, pause     asked from outside
    budget.json       what it may spend, where that was raised since

A pause lasts ten minutes at most, so that a forgotten one stops nothing for ever: nobody refreshes
it, and who needs longer pauses again.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from cai_core.errors import JobError
from cai_core.jobs import lock
from cai_core.schema import Progress, Row

PAUSE_SECONDS = 600.0
POLL_SECONDS = 0.2

EndState = Literal["succeeded", "failed", "cancelled", "held"]


@dataclass(frozen=True)
class End:
    """How an attempt ended; `held` is a chain that waits for a person."""

    state: EndState
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


# -- what the job itself calls


@contextmanager
def hold(job: Path) -> Iterator[None]:
    """Be this job: hold its lock while the block runs. Call it before the heavy imports.

    Raises:
        JobError: it runs already.
    """
    if not job.is_dir():
        raise JobError(f"there is no job folder {job}")
    with lock.hold(job / "lock", taken=f"the job in {job} runs already"):
        (job / "end.json").unlink(missing_ok=True)
        append_event(job, "started", pid=os.getpid())
        yield


def should_stop(
    job: Path,
    asked: Callable[[], bool] = lambda: False,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> bool:
    """Whether the job is to stop; waits here while it is paused. `asked` ends the wait too."""
    while True:
        if asked() or (job / "stop").exists():
            return True
        if not is_paused(job, clock=clock):
            return False
        sleep(POLL_SECONDS)


def write_progress(job: Path, progress: Progress) -> None:
    _write(job / "progress.json", asdict(progress))


def append_metric(job: Path, step: int, values: Mapping[str, float]) -> None:
    """Keep numbers of one step; what is not finite is kept as null."""
    numbers = {name: float(value) for name, value in values.items()}
    known = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
    _append(job / "metrics.jsonl", {"step": step, "values": known})


def append_event(job: Path, event: str, **detail: Any) -> None:
    _append(job / "events.jsonl", {"time": time.time(), "event": event, **detail})


def finish(
    job: Path, state: str, reason: str = "", result: Mapping[str, Any] | None = None
) -> None:
    """Write down how this attempt ended, while the lock is still held."""
    if state not in get_args(EndState):
        raise JobError(f"a job ends as one of {', '.join(get_args(EndState))}, not '{state}'")
    append_event(job, "ended", state=state, reason=reason)
    end = {"state": state, "reason": reason, "result": dict(result or {}), "time": time.time()}
    _write(job / "end.json", end, sync=True)


# -- what those outside call


def create(job: Path, config: Mapping[str, Any], files: Mapping[str, str | Sequence[Row]]) -> None:
    """Make the folder of a new job; `files` are texts, or rows to write as JSONL, by name."""
    job.mkdir(parents=True)
    for name, content in files.items():
        path = job / name
        if path.parent != job or name in _OURS:
            raise JobError(f"'{name}' cannot be an input of a job")
        path.write_text(content if isinstance(content, str) else _lines(content), encoding="utf-8")
    _write(job / "config.json", dict(config), sync=True)


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write a file of rows whole or not at all."""
    part = path.with_name(path.name + ".new")
    part.write_text(_lines(rows), encoding="utf-8")
    part.replace(path)


def reset(job: Path) -> None:
    """Make ready for the next attempt: nothing is asked of it, and it has not ended."""
    for name in ("stop", "pause", "end.json"):
        (job / name).unlink(missing_ok=True)


def holder(job: Path) -> int | None:
    """The process that this job is; None where it does not live."""
    return lock.holder(job / "lock")


def stop(job: Path) -> None:
    """Ask the job to stop after its batch or step."""
    (job / "stop").touch()


def pause(job: Path) -> None:
    """Ask the job to wait, for ten minutes at most."""
    (job / "pause").touch()


def resume(job: Path) -> None:
    """Let a paused job go on."""
    (job / "pause").unlink(missing_ok=True)


def is_paused(job: Path, *, clock: Callable[[], float] = time.time) -> bool:
    try:
        return clock() - (job / "pause").stat().st_mtime < PAUSE_SECONDS
    except FileNotFoundError:
        return False


def read_config(job: Path) -> Row:
    return _read(job / "config.json")


def read_progress(job: Path) -> Progress | None:
    """How far the job said it is; None before it said anything."""
    row = _read(job / "progress.json")
    known = {name: row[name] for name in Progress.__dataclass_fields__ if name in row}
    return Progress(**known) if {"done", "total"} <= known.keys() else None


def raise_budget(job: Path, budget: Mapping[str, float]) -> None:
    """Let the next attempt spend so much, in `tokens`, `cost` or both."""
    _write(job / "budget.json", read_budget(job) | dict(budget), sync=True)


def read_budget(job: Path) -> Row:
    """What it may spend, where that was raised after it was submitted."""
    return _read(job / "budget.json")


def read_end(job: Path) -> End | None:
    """How the last attempt ended; None where it runs, or died without a word."""
    row = _read(job / "end.json")
    if row.get("state") not in get_args(EndState):
        return None
    return End(row["state"], str(row.get("reason", "")), row.get("result") or {})


def log_tail(job: Path, *, lines: int = 200) -> str:
    """The end of log.txt, read from at most its last 256 KiB."""
    try:
        with (job / "log.txt").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 2**18))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


_OURS = {
    *("config.json", "output.jsonl", "metrics.jsonl", "events.jsonl", "progress.json"),
    *("log.txt", "lock", "stop", "pause", "end.json", "budget.json"),
}


def _lines(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _append(path: Path, row: Row) -> None:
    """One whole line at once: a reader sees it or not, and at most the last one can be torn."""
    line = json.dumps(row, ensure_ascii=False) + "\n"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        if _is_torn(path):
            line = "\n" + line
        os.write(fd, line.encode("utf-8", "surrogatepass"))
    finally:
        os.close(fd)


def _is_torn(path: Path) -> bool:
    """Whether the last line was cut by a kill: what is appended must begin a line of its own."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _write(path: Path, row: Row, *, sync: bool = False) -> None:
    """Write a JSON file whole or not at all."""
    part = path.with_name(path.name + ".new")
    with part.open("w", encoding="utf-8") as file:
        json.dump(row, file, ensure_ascii=False)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    part.replace(path)


def _read(path: Path) -> Row:
    """A JSON object; {} where the file is not there or is no object."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
