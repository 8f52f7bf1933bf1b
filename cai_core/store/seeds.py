"""Which shipped files were read into this workspace, and with what content."""

import hashlib

from sqlite_utils import Database

from cai_core.store.database import first, insert


def is_seeded(db: Database, name: str, content: bytes) -> bool:
    row = first(db, "SELECT digest FROM seeds WHERE name = ?", [name])
    return row is not None and row["digest"] == _digest(content)


def mark(db: Database, name: str, content: bytes) -> None:
    """Note that this content was read; call it in the transaction that keeps its rows."""
    insert(db, "seeds", {"name": name, "digest": _digest(content)}, seen="REPLACE")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
