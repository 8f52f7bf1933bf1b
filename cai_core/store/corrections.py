"""Corrections: the answer that would have been right, written by a person. An append-only log."""

from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.schema import Row, content_hash
from cai_core.store import pairs
from cai_core.store.database import insert, now, write_tx


def add(db: Database, pair_id: str, text: str, *, person: str) -> str:
    """Append a correction; its id. A person's newest standing one on a pair counts.

    Raises:
        NotFoundError: no such pair. DataError: no text, or no name.
    """
    if not text.strip():
        raise DataError("the corrected answer is empty; write it, or leave the pair as it is")
    if not person.strip():
        raise DataError("a correction needs a name; give yours first")
    with write_tx(db):
        pairs.get(db, pair_id)
        row: Row = {"pair": pair_id, "person": person, "text": text, "created": now()}
        row["id"] = content_hash(row)
        insert(db, "corrections", row)
        return str(row["id"])
