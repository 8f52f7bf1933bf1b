"""Answers that models gave before, in a file of its own beside the weights. Deleting it is safe."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cai_core.settings import models_dir
from cai_core.store.database import open_file, rows, to_json, write_tx


class SqliteCache:
    """The `Cache` that models are handed; each call opens the file anew, so threads may share it."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or models_dir() / "cache.db"

    def get(self, keys: Sequence[str]) -> dict[str, Any]:
        """The values that are there, by key."""
        if not keys or not self.path.exists():
            return {}
        with open_file(self.path, _CREATE) as db:
            sql = "SELECT key, value FROM cache WHERE key IN (SELECT value FROM json_each(?))"
            return {
                row["key"]: json.loads(row["value"])
                for row in rows(db, sql, [json.dumps(list(keys))])
            }

    def put(self, values: dict[str, Any]) -> None:
        """Keep JSON values; a key that is there is replaced."""
        if not values:
            return
        with open_file(self.path, _CREATE) as db, write_tx(db):
            given = [(key, to_json(value)) for key, value in values.items()]
            db.conn.executemany("INSERT OR REPLACE INTO cache VALUES (?, ?)", given)


_CREATE = (
    "CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
)
