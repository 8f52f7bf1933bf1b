"""Certificates that somebody stamped: what was known of some labels on a day. A log; none is ever changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from cai_core.schema import Row, content_hash
from cai_core.store.database import audit, first, insert, now, rows, to_json, write_tx


@dataclass(frozen=True)
class Stamp:
    """`row` is the certificate as it was; `subject` tells what it is of, `words` says it to a person."""

    id: str
    subject: str
    words: str
    row: Mapping[str, Any]
    person: str
    created: str


def stamp(db: Database, subject: str, row: Row, *, words: str, person: str) -> Stamp:
    """Append a certificate; the same one again is there already."""
    text, created = to_json(row), now()
    key = content_hash([subject, row])
    values = {"id": key, "subject": subject, "words": words, "row": text}
    values |= {"person": person, "created": created}
    with write_tx(db):
        if insert(db, "certificates", values, seen="IGNORE"):
            audit(db, person, "stamp certificate", certificate=key, subject=subject)
        return _stamp(rows(db, "SELECT * FROM certificates WHERE id = ?", [key])[0])


def newest(db: Database, subject: str) -> Stamp | None:
    """The last one of this subject."""
    sql = "SELECT * FROM certificates WHERE subject = ? ORDER BY seq DESC LIMIT 1"
    found = first(db, sql, [subject])
    return _stamp(found) if found else None


def newest_of_judge(db: Database, key: str) -> Stamp | None:
    """The last one of a judge setting's labels, of all pairs or else of a part of them."""
    sql = """SELECT * FROM certificates WHERE subject = :all OR substr(subject, 1, length(:all) + 1) = :all || ':'
        ORDER BY subject = :all DESC, seq DESC LIMIT 1"""
    found = first(db, sql, {"all": key})
    return _stamp(found) if found else None


def find(db: Database, subject: str) -> list[Stamp]:
    """All of this subject, newest first."""
    sql = "SELECT * FROM certificates WHERE subject = ? ORDER BY seq DESC"
    return [_stamp(row) for row in rows(db, sql, [subject])]


def _stamp(row: Row) -> Stamp:
    kept = {name: value for name, value in row.items() if name != "seq"}
    return Stamp(**kept | {"row": json.loads(row["row"])})
