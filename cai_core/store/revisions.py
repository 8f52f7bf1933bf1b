"""Revisions that jobs made, and what people decided on them: an append-only log."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from cai_core.errors import NotFoundError
from cai_core.schema import Revision, Row, Split, canonical_json, content_hash
from cai_core.store import texts
from cai_core.store.database import first, insert, now, rows, to_json, write_tx
from cai_core.store.decisions import UNDONE, Decision, DecisionEvent, DecisionLog

_LOG = DecisionLog("decisions", "revision")

undo = _LOG.undo
history = _LOG.history
last_of = _LOG.last_of


@dataclass(frozen=True)
class StoredRevision:
    """A revision row with the newest standing decision on it, whoever gave that."""

    id: str
    revision: Revision
    split: Split
    job: str
    created: str
    decision: DecisionEvent | None

    @property
    def response(self) -> str:
        """The response to train on: a person's correction, else the last round's."""
        corrected = self.decision is not None and self.decision.verdict == "correct"
        return self.decision.text if corrected and self.decision else self.revision.final


@dataclass(frozen=True)
class RevisionFilter:
    """Which revisions; every field that is set must hold. Failed ones are left out by default."""

    text: str = ""
    split: Split | None = None
    job: str = ""
    model: str = ""
    constitution: str = ""
    decided: bool | None = None
    decision: Decision | None = None
    failed: bool | None = False


def add(db: Database, revision: Revision, *, job: str = "") -> str:
    """Store one row; its id. The same row of the same job is stored once."""
    with write_tx(db):
        return _append(db, revision, job)[0]


def add_many(db: Database, revisions: Iterable[Revision], *, job: str = "") -> int:
    """Store rows in one transaction; how many were not there."""
    with write_tx(db):
        return sum(_append(db, revision, job)[1] for revision in revisions)


def _append(db: Database, revision: Revision, job: str) -> tuple[str, bool]:
    content = revision.to_row()
    ref = revision.constitution
    row = {
        "id": content_hash({"row": canonical_json(content), "job": job}),
        "row_id": revision.id,
        "prompt": texts.keep_chat(db, revision.prompt),
        "content": to_json(content),
        "split": texts.split_for(db, revision.prompt),
        "model": revision.model,
        "constitution_name": ref.name if ref else None,
        "constitution_version": ref.version if ref else None,
        "constitution_hash": ref.hash if ref else None,
        "failed": bool(revision.error),
        "job": job,
        "created": now(),
    }
    return str(row["id"]), insert(db, "revisions", row, seen="IGNORE")


def decide(
    db: Database,
    revision_id: str,
    verdict: Decision,
    *,
    person: str,
    text: str = "",
    note: str = "",
) -> str:
    """Append a decision; its id. The newest standing one counts.

    Raises:
        NotFoundError: no such revision. DataError: a correction without text, or no name.
    """
    with write_tx(db):
        get(db, revision_id)
        return _LOG.append(db, revision_id, verdict, person=person, text=text, note=note)


_SELECT = f"""SELECT r.*, d.id AS d_id, d.person, d.verdict, d.text, d.note, d.created AS decided
    FROM revisions r LEFT JOIN decisions d ON d.seq = (
        SELECT max(d.seq) FROM decisions d WHERE d.revision = r.id AND NOT {UNDONE})"""

# A row that failed and was asked again has a later row of the same job and id: only that counts.
_LATEST = """NOT EXISTS (SELECT 1 FROM revisions n WHERE n.job = r.job AND n.job != ''
    AND n.row_id = r.row_id AND n.seq > r.seq)"""

_TEXT = """EXISTS (SELECT 1 FROM json_tree(r.content) j WHERE j.key IN ('content', 'initial',
    'critique', 'revision') AND j.type = 'text' AND instr(lower(j.value), lower(?)))"""


def get(db: Database, revision_id: str) -> StoredRevision:
    row = first(db, f"{_SELECT} WHERE r.id = ?", [revision_id])
    if row is None:
        raise NotFoundError(f"there is no revision with the id '{revision_id}'")
    return _stored(row)


def find(
    db: Database,
    where: RevisionFilter | None = None,
    *,
    order: Literal["newest", "oldest"] = "oldest",
    limit: int | None = None,
    offset: int = 0,
) -> list[StoredRevision]:
    """Revisions that pass the filter, each with its newest standing decision."""
    clause, params = _clause(where or RevisionFilter())
    direction = "DESC" if order == "newest" else "ASC"
    sql = f"{_SELECT} WHERE {clause} ORDER BY r.seq {direction} LIMIT ? OFFSET ?"
    found = rows(db, sql, [*params, -1 if limit is None else limit, offset])
    return [_stored(row) for row in found]


def count(db: Database, where: RevisionFilter | None = None) -> int:
    clause, params = _clause(where or RevisionFilter())
    sql = f"SELECT count(*) FROM ({_SELECT} WHERE {clause})"
    return int(db.conn.execute(sql, params).fetchone()[0])


def ids(db: Database, where: RevisionFilter | None = None) -> list[str]:
    """The ids of those that pass the filter, in the order they came."""
    clause, params = _clause(where or RevisionFilter())
    sql = f"SELECT r.id FROM ({_SELECT} WHERE {clause}) r ORDER BY r.seq"
    return [row[0] for row in db.conn.execute(sql, params)]


def _clause(where: RevisionFilter) -> tuple[str, list[Any]]:
    columns = {
        "r.split": where.split,
        "r.job": where.job,
        "r.model": where.model,
        "r.constitution_hash": where.constitution,
        "d.verdict": where.decision,
    }
    given = {column: value for column, value in columns.items() if value}
    parts = [_LATEST, *(f"{column} = ?" for column in given)]
    params: list[Any] = list(given.values())
    if where.failed is not None:
        parts.append("r.failed" if where.failed else "NOT r.failed")
    if where.decided is not None:
        parts.append("d.id IS NOT NULL" if where.decided else "d.id IS NULL")
    if where.text:
        parts.append(_TEXT)
        params.append(where.text)
    return " AND ".join(parts), params


def _stored(row: Row) -> StoredRevision:
    return StoredRevision(
        id=row["id"],
        revision=Revision.from_row(json.loads(row["content"])),
        split=row["split"],
        job=row["job"],
        created=row["created"],
        decision=_decision(row) if row["d_id"] else None,
    )


def _decision(row: Row) -> DecisionEvent:
    return DecisionEvent(
        id=row["d_id"],
        row=row["id"],
        person=row["person"],
        verdict=row["verdict"],
        text=row["text"],
        note=row["note"],
        created=row["decided"],
    )
