"""The workspace's database: how it is opened, written and checked. SQLite only, through sqlite-utils.

A connection lives for one run of a page or one worker; it is never cached. Every write goes through
`write_tx`. Errors of SQLite that a person can mend come out as one StoreError sentence.
"""

import datetime
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlite_utils import Database
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

from cai_core.errors import StoreError
from cai_core.settings import database_path
from cai_core.store import migrations, states

BUSY_SECONDS = 30
CACHE_KIB = 65_536  # pages that a connection may hold: rows are found by hashes all over the file
LOG_PAGES = 8_000  # of 4 KiB in the write-ahead log before they are put in their places
PATIENCE_S = 0.01  # between a new writer's first two tries for the lock
WAITED_S = 0.05  # after this long it asks twice as often, after twice this long three times

_SENTENCES = {
    sqlite3.SQLITE_BUSY: "the database is locked by another program; wait a moment and try again",
    sqlite3.SQLITE_LOCKED: "the database is locked by another program; wait a moment and try again",
    sqlite3.SQLITE_CORRUPT: "the database is damaged; put a backup of it in its place",
    sqlite3.SQLITE_NOTADB: "this file is no database of Ratify, or it is damaged; put a backup of it in its place",
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again",
    sqlite3.SQLITE_READONLY: "the database cannot be written; check who owns the file",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened; check that its folder is there and may be written",
    sqlite3.SQLITE_IOERR: "the disk did not read or write the database; check the disk",
}


class _Connection(sqlite3.Connection):
    """A connection whose SQLite errors that a person can mend are StoreErrors."""

    path = ""

    def execute(self, *args: Any) -> Any:
        with _sentences(self.path):
            return super().execute(*args)

    def executemany(self, *args: Any) -> Any:
        with _sentences(self.path):
            return super().executemany(*args)


@contextmanager
def _sentences(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code not in _SENTENCES:
            raise
        raise StoreError(f"{path}: {_SENTENCES[code]}") from error


def connect(path: Path | None = None) -> Database:
    """Open the workspace's database, making or migrating it where that is needed.

    Raises:
        StoreError: locked, damaged, not writable, or made by a newer Ratify.
    """
    path = path or database_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    return _opened(str(path), _migrate)


def memory() -> Database:
    """A migrated database in memory, for tests."""
    return _opened(":memory:", _migrate)


@contextmanager
def open_file(path: Path, create: str) -> Iterator[Database]:
    """Another SQLite file, opened the same way and closed at the end; `create` makes its table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = _opened(str(path), lambda db: db.conn.execute(create))
    try:
        yield db
    finally:
        db.close()


def _opened(name: str, prepare: Callable[[Database], Any]) -> Database:
    """Open a file and set it up; a connection that cannot be set up is closed."""
    with _sentences(name):
        conn = sqlite3.connect(
            name, timeout=BUSY_SECONDS, isolation_level=None, factory=_Connection
        )
    conn.path = name
    try:
        if conn.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        conn.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        conn.execute("PRAGMA foreign_keys = ON")
        db = Database(conn, execute_plugins=False)
        prepare(db)
    except BaseException:
        conn.close()
        raise
    return db


def _migrate(db: Database) -> None:
    name = str(cast(Any, db.conn).path)
    if not migrations.is_current(db, name):
        with write_tx(db):
            if migrations.migrate(db, name):
                states.rebuild(db)


@contextmanager
def write_tx(db: Database) -> Iterator[Database]:
    """One transaction that takes the write lock at once; inside another one it joins that.

    Raises:
        StoreError: the lock was not to be had within 30 seconds.
    """
    if db.conn.in_transaction:
        yield db
        return
    _begin(db)
    try:
        yield db
        db.conn.execute("COMMIT")
    except BaseException:
        if db.conn.in_transaction:
            db.conn.execute("ROLLBACK")
        raise


def _begin(db: Database) -> None:
    """Take the write lock. Who has waited longest asks most often, so that nobody waits for ever.

    SQLite's own waiting sleeps longer the longer it has waited: among twenty writers some starved.
    """
    began = time.monotonic()
    db.conn.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                db.conn.execute("BEGIN IMMEDIATE")
                return
            except StoreError as error:
                waited = time.monotonic() - began
                if not _is_busy(error) or waited > BUSY_SECONDS:
                    raise
            time.sleep(random.uniform(0.5, 1.5) * PATIENCE_S / (1 + waited / WAITED_S))
    finally:
        db.conn.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _is_busy(error: StoreError) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def rows(db: Database, sql: str, params: Any = ()) -> list[dict[str, Any]]:
    """All rows of a SELECT as dicts."""
    cursor = db.conn.execute(sql, params)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def first(db: Database, sql: str, params: Any = ()) -> dict[str, Any] | None:
    """The first row of a SELECT, or None."""
    found = rows(db, sql, params)
    return found[0] if found else None


def insert(db: Database, table: str, row: dict[str, Any], *, seen: str = "ABORT") -> bool:
    """Insert one row; with seen="IGNORE" a row that is there stays as it is. Whether it is new."""
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    sql = f'INSERT OR {seen} INTO "{table}" ({names}) VALUES ({marks})'
    return bool(db.conn.execute(sql, list(row.values())).rowcount == 1)


def marks(values: Any) -> str:
    """Question marks for an IN list."""
    return ", ".join("?" * len(values))


def now() -> str:
    """The time as stored: UTC, ISO 8601, microseconds, so that text order is time order."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_json(value: object) -> str:
    return "{}" if value == {} else _COMPACT.encode(value)


def from_json(text: str | None) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(text)) if text and text != "{}" else {}


def audit(db: Database, who: str, what: str, **detail: Any) -> None:
    """Append who did what to the audit log."""
    row = {"who": who, "what": what, "detail": to_json(detail), "created": now()}
    insert(db, "audit", row)
