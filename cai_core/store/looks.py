"""Looks at the locked pairs: one a version, kept for good with what was found."""

from dataclasses import dataclass

from sqlite_utils import Database

from cai_core.schema import Row
from cai_core.store.database import audit, first, from_json, insert, now, to_json, write_tx


@dataclass(frozen=True)
class Look:
    """What somebody found on the locked pairs when a version was held against them."""

    version: str
    job: str
    found: Row
    who: str
    created: str


def take(db: Database, version_id: str, *, job: str, found: Row, who: str) -> Look:
    """Keep this look; the first one of a version stands, whoever looks again."""
    row = {"version": version_id, "job": job, "found": to_json(found), "who": who, "created": now()}
    with write_tx(db):
        if insert(db, "looks", row, seen="IGNORE"):
            audit(db, who, "look at locked pairs", version=version_id, job=job)
    kept = of_version(db, version_id)
    assert kept is not None
    return kept


def of_version(db: Database, version_id: str) -> Look | None:
    row = first(db, "SELECT * FROM looks WHERE version = ?", [version_id])
    if row is None:
        return None
    return Look(row["version"], row["job"], from_json(row["found"]), row["who"], row["created"])


def count(db: Database) -> int:
    """How often anybody looked."""
    return int(db.conn.execute("SELECT count(*) FROM looks").fetchone()[0])
