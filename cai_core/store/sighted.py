"""Which pairs a person saw together with what a judge says of them: no later verdict on one is blind."""

import json
from collections.abc import Iterable

from sqlite_utils import Database

from cai_core.store.database import now, write_tx


def mark(db: Database, person: str, pair_ids: Iterable[str]) -> None:
    """Remember that this person saw these; pairs that are not stored are left out."""
    wanted = set(pair_ids)
    new = wanted - among(db, person, wanted)
    if not new:
        return
    sql = """INSERT OR IGNORE INTO sighted (person, pair, created)
        SELECT ?, p.id, ? FROM json_each(?) j JOIN pairs p ON p.id = j.value"""
    with write_tx(db):
        db.conn.execute(sql, [person, now(), json.dumps(sorted(new))])


def among(db: Database, person: str, pair_ids: Iterable[str]) -> frozenset[str]:
    """Those of these pairs that this person saw so."""
    sql = """SELECT s.pair FROM json_each(?) j
        JOIN sighted s ON s.person = ? AND s.pair = j.value"""
    found = db.conn.execute(sql, [json.dumps(sorted(set(pair_ids))), person])
    return frozenset(row[0] for row in found)
