"""Suites: the cases of each constitution, and the results of running them. Both are logs.

A case that is edited or removed is a new event; the newest one counts, the others stay. A result
belongs to what was asked (the case's digest, and how), not to the case's name.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database

from cai_core.errors import NotFoundError
from cai_core.schema import Case, CaseResult, Outcome, Row, canonical_json, content_hash
from cai_core.store.database import first, insert, now, rows, to_json, write_tx

Change = Literal["new", "changed", "same"]


@dataclass(frozen=True)
class CaseEvent:
    """One state of a case, and who wrote or removed it."""

    case: Case
    removed: bool
    author: str


@dataclass(frozen=True)
class Ran:
    """The newest result of what was asked (`digest`) in one way (`how`) under one hash."""

    id: str
    digest: str
    hash: str
    how: str
    outcome: Outcome
    seen: str
    job: str
    created: str


def cases(db: Database, name: str) -> list[CaseEvent]:
    """The standing cases of a constitution, in the order they first came."""
    return [event for event in _newest(db, name) if not event.removed]


def removed(db: Database, name: str) -> list[CaseEvent]:
    """The removed cases of a constitution; `put` brings one back."""
    return [event for event in _newest(db, name) if event.removed]


def _newest(db: Database, name: str) -> list[CaseEvent]:
    sql = """SELECT c.* FROM suite_cases c JOIN (
            SELECT min(seq) AS begun, max(seq) AS newest FROM suite_cases
            WHERE constitution = ? GROUP BY case_id) s ON s.newest = c.seq ORDER BY s.begun"""
    return [_event(row) for row in rows(db, sql, [name])]


def history(db: Database, name: str, case_id: str) -> list[CaseEvent]:
    """Every state of a case, newest first."""
    sql = "SELECT * FROM suite_cases WHERE constitution = ? AND case_id = ? ORDER BY seq DESC"
    return [_event(row) for row in rows(db, sql, [name, case_id])]


def put(db: Database, name: str, given: Sequence[Case], *, by: str) -> dict[Change, int]:
    """Add cases, or write the next state of those whose id is there; how many of each kind.

    A case that was removed comes back.
    """
    counts: dict[Change, int] = {"new": 0, "changed": 0, "same": 0}
    with write_tx(db):
        for case in given:
            there = _standing(db, name, case.id)
            change: Change = "new" if there is None else "changed"
            if there is not None and there.case == case and not there.removed:
                change = "same"
            else:
                _append(db, name, case, by=by)
            counts[change] += 1
    return counts


def remove(db: Database, name: str, case_id: str, *, by: str) -> None:
    """Take a case out of the suite; its states and results stay. Raises NotFoundError."""
    with write_tx(db):
        there = _standing(db, name, case_id)
        if there is None or there.removed:
            raise NotFoundError(f"the suite of '{name}' has no case '{case_id}'")
        _append(db, name, there.case, by=by, removed=True)


def _standing(db: Database, name: str, case_id: str) -> CaseEvent | None:
    events = history(db, name, case_id)
    return events[0] if events else None


def _append(db: Database, name: str, case: Case, *, by: str, removed: bool = False) -> None:
    row: Row = {"constitution": name, "case_id": case.id, "content": to_json(case.to_row())}
    row |= {"removed": removed, "author": by, "created": now()}
    insert(db, "suite_cases", row)


def _event(row: Row) -> CaseEvent:
    case = Case.from_row(json.loads(row["content"]))
    return CaseEvent(case, bool(row["removed"]), row["author"])


def add_result(db: Database, result: CaseResult, *, job: str = "") -> bool:
    """Store a result; the same row of the same job is stored once. Whether it is new."""
    content, ref = result.to_row(), result.constitution
    row = {
        "id": content_hash({"row": canonical_json(content), "job": job}),
        "case_id": result.id,
        "digest": result.case.digest,
        "constitution_name": ref.name,
        "constitution_hash": ref.hash,
        "how": result.how_id,
        "outcome": result.outcome,
        "seen": result.seen,
        "content": to_json(content),
        "job": job,
        "created": now(),
    }
    with write_tx(db):
        return insert(db, "suite_results", row, seen="IGNORE")


def ran(db: Database, name: str) -> list[Ran]:
    """The newest result of everything that was asked under any version or draft, oldest first."""
    sql = """SELECT id, digest, constitution_hash AS hash, how, outcome, seen, job, created
        FROM suite_results WHERE seq IN (SELECT max(seq) FROM suite_results
            WHERE constitution_name = ? GROUP BY digest, constitution_hash, how)
        ORDER BY seq"""
    return [Ran(**row) for row in rows(db, sql, [name])]


def result(db: Database, result_id: str) -> CaseResult:
    """All that was seen. Raises NotFoundError."""
    row = first(db, "SELECT content FROM suite_results WHERE id = ?", [result_id])
    if row is None:
        raise NotFoundError(f"there is no suite result with the id '{result_id}'")
    return CaseResult.from_row(json.loads(row["content"]))
