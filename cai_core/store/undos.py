"""Undos: what was taken back, by its id. One append-only log for all the logs that people write to."""

from sqlite_utils import Database

from cai_core.errors import DataError, NotFoundError
from cai_core.store.database import first, insert, now, write_tx


def append(db: Database, table: str, *, target: str, who: str, what: str) -> str:
    """Take back one row of a table; when.

    Args:
        target: the row's id. what: the noun that the errors name it by.
    Raises:
        NotFoundError: no such row. DataError: it was taken back already.
    """
    with write_tx(db):
        if first(db, f"SELECT 1 FROM {table} WHERE id = ?", [target]) is None:
            raise NotFoundError(f"there is no {what} with the id '{target}'")
        row = {"target": target, "who": who, "created": now()}
        if not insert(db, "undos", row, seen="IGNORE"):
            raise DataError(f"this {what} was undone already")
    return row["created"]
