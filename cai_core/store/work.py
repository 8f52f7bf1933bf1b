"""Jobs as rows, and the numbers they report. States are changed by `move` only, which `jobs.queue` calls."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from cai_core.errors import NotFoundError
from cai_core.schema import Progress, Row
from cai_core.store.database import first, insert, marks, now, rows, to_json, write_tx

State = Literal[
    "queued", "starting", "running", "stopping", "succeeded", "failed", "cancelled", "interrupted"
]
ACTIVE: tuple[State, ...] = ("starting", "running", "stopping")
ENDED: tuple[State, ...] = ("succeeded", "failed", "cancelled", "interrupted")

# From which states a job comes into each. A job that was taken for dead and holds its lock runs.
COMES_FROM: Mapping[State, tuple[State, ...]] = {
    "queued": ("queued", *ACTIVE, *ENDED),
    "starting": ("queued",),
    "running": ("starting", "interrupted"),
    "stopping": ("starting", "running"),
    "succeeded": ACTIVE,
    "failed": ("queued", *ACTIVE),
    "cancelled": ("queued", *ACTIVE),
    "interrupted": ("starting", "running"),
}


@dataclass(frozen=True)
class Job:
    """One job; `reason` says in words why it is where it is (waiting, held, what failed).

    `note` is what people keep about it; `archived` is when it was put out of the way.
    """

    id: str
    kind: str
    title: str
    state: State
    reason: str
    attempt: int
    parent: str | None
    argv: tuple[str, ...]
    config: Mapping[str, Any]
    submitted_by: str
    progress: Progress
    result: Mapping[str, Any]
    offsets: Mapping[str, Any]
    created: str
    changed: str
    started: str | None
    ended: str | None
    note: str = ""
    archived: str | None = None

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def failures(self) -> Mapping[str, int]:
        """How many of its rows failed for which reason, as it said when it ended."""
        found = self.result.get("failed_by_reason")
        return found if isinstance(found, dict) else {}

    @property
    def held(self) -> bool:
        return self.state == "queued" and self.reason.startswith("held")


def add(db: Database, row: Mapping[str, Any]) -> Job:
    """Enter a queued job from its id, kind, title, parent, argv, config and submitted_by."""
    created = now()
    fresh = {
        **row,
        "argv": to_json(list(row["argv"])),
        "config": to_json(dict(row["config"])),
        "state": "queued",
        "reason": "",
        "attempt": 1,
        "progress": to_json(vars(Progress(0, 0))),
        "result": "{}",
        "offsets": "{}",
        "created": created,
        "changed": created,
    }
    insert(db, "jobs", fresh)
    return get(db, str(row["id"]))


def get(db: Database, job_id: str) -> Job:
    row = first(db, "SELECT * FROM jobs WHERE id = ?", [job_id])
    if row is None:
        raise NotFoundError(f"there is no job with the id '{job_id}'")
    return _job(row)


def find(
    db: Database,
    *,
    states: Sequence[State] = (),
    kinds: Sequence[str] = (),
    archived: bool | None = None,
    limit: int | None = None,
) -> list[Job]:
    """Jobs in these states and of these kinds (all where none is given), newest first.

    Args:
        archived: only those that are, or are not, out of the way.
    """
    parts, params = ["1"], list[Any]()
    if archived is not None:
        parts.append("archived IS NOT NULL" if archived else "archived IS NULL")
    if states:
        parts.append(f"state IN ({marks(states)})")
        params += states
    if kinds:
        parts.append(f"kind IN ({marks(kinds)})")
        params += kinds
    sql = (
        f"SELECT * FROM jobs WHERE {' AND '.join(parts)} ORDER BY created DESC, rowid DESC LIMIT ?"
    )
    return [_job(row) for row in rows(db, sql, [*params, -1 if limit is None else limit])]


def move(
    db: Database,
    job_id: str,
    to: State,
    *,
    source: Sequence[State] = (),
    reason: str = "",
    attempt: int = 0,
) -> bool:
    """Change a state where COMES_FROM allows it; whether it did. Times follow the state.

    Args:
        source: only from one of these. attempt: added to the attempt's number.
    """
    times = {"starting": ", started = :when, ended = NULL", "queued": ", ended = NULL"}
    times |= dict.fromkeys(ENDED, ", ended = :when")
    allowed = set(source or COMES_FROM[to]).intersection(COMES_FROM[to])
    names = ", ".join(f"'{state}'" for state in sorted(allowed))
    sql = f"""UPDATE jobs SET state = :to, reason = :reason, changed = :when,
        attempt = attempt + :more{times.get(to, "")} WHERE id = :id AND state IN ({names})"""
    params = {"to": to, "reason": reason, "when": now(), "more": attempt, "id": job_id}
    with write_tx(db):
        return bool(db.conn.execute(sql, params).rowcount == 1)


def say(db: Database, job_id: str, reason: str) -> None:
    """Change why a queued job waits; nothing is written where that is known."""
    if get(db, job_id).reason == reason:
        return
    sql = "UPDATE jobs SET reason = ? WHERE id = ? AND state = 'queued'"
    with write_tx(db):
        db.conn.execute(sql, [reason, job_id])


def note(
    db: Database,
    job_id: str,
    *,
    progress: Progress | None = None,
    result: Mapping[str, Any] | None = None,
    offsets: Mapping[str, Any] | None = None,
) -> None:
    """Keep what was read from a job's folder: how far it is, its result, where reading stopped."""
    given: Row = {}
    if progress is not None:
        given["progress"] = to_json(vars(progress))
    if result is not None:
        given["result"] = to_json(dict(result))
    if offsets is not None:
        given["offsets"] = to_json(dict(offsets))
    if not given:
        return
    sets = ", ".join(f"{name} = ?" for name in given)
    with write_tx(db):
        db.conn.execute(f"UPDATE jobs SET {sets} WHERE id = ?", [*given.values(), job_id])


def describe(db: Database, job_id: str, *, title: str, note: str) -> None:
    """Give a job another title and note. Raises NotFoundError: no such job."""
    get(db, job_id)
    with write_tx(db):
        db.conn.execute("UPDATE jobs SET title = ?, note = ? WHERE id = ?", [title, note, job_id])


def archive(db: Database, job_id: str, *, away: bool) -> None:
    """Put a job out of the way, or back. Raises NotFoundError: no such job."""
    get(db, job_id)
    with write_tx(db):
        db.conn.execute(
            "UPDATE jobs SET archived = ? WHERE id = ?", [now() if away else None, job_id]
        )


def add_metrics(
    db: Database, job_id: str, values: Iterable[tuple[int, Mapping[str, float | None]]]
) -> None:
    """Keep (step, {name: value}); a step that is told again after a resume replaces the old one."""
    given = [(job_id, name, step, value) for step, by in values for name, value in by.items()]
    with write_tx(db):
        db.conn.executemany("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?)", given)


def metric_names(db: Database, job_id: str) -> list[str]:
    sql = "SELECT DISTINCT name FROM metrics WHERE job = ? ORDER BY name"
    return [row["name"] for row in rows(db, sql, [job_id])]


def metrics(
    db: Database, job_id: str, names: Sequence[str] = ()
) -> dict[str, list[tuple[int, float]]]:
    """(step, value) in order of steps, by name; an undefined value is nan."""
    more = f" AND name IN ({marks(names)})" if names else ""
    sql = f"SELECT name, step, value FROM metrics WHERE job = ?{more} ORDER BY name, step"
    found: dict[str, list[tuple[int, float]]] = {}
    for row in rows(db, sql, [job_id, *names]):
        value = float("nan") if row["value"] is None else row["value"]
        found.setdefault(row["name"], []).append((row["step"], value))
    return found


def _job(row: Row) -> Job:
    read = {
        name: json.loads(row[name]) for name in ("argv", "config", "progress", "result", "offsets")
    }
    read |= {"argv": tuple(read["argv"]), "progress": Progress(**read["progress"])}
    return Job(**row | read)
