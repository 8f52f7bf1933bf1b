"""Datasets that were frozen: where each lies and its manifest. A dataset never changes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlite_utils import Database

from cai_core.errors import NotFoundError
from cai_core.schema import Row, content_hash
from cai_core.store.database import audit, first, insert, now, rows, to_json, write_tx

DatasetKind = Literal["sft", "preference", "prompts"]


@dataclass(frozen=True)
class Dataset:
    """A frozen dataset; `manifest` is its manifest.json."""

    id: str
    name: str
    kind: DatasetKind
    path: Path
    manifest: Mapping[str, Any]
    author: str
    job: str
    created: str


def add(
    db: Database,
    path: Path,
    manifest: Mapping[str, Any],
    *,
    name: str = "",
    author: str = "",
    job: str = "",
) -> Dataset:
    """Enter a dataset folder; one that was entered already stays as it is.

    Its id is the hash of its content; where another folder holds the same content, one of its own.

    Args:
        manifest: what stands in its manifest.json; `kind` and `hash` are needed.
    """
    place, content = str(path), str(manifest["hash"])
    with write_tx(db):
        there = first(db, "SELECT path FROM datasets WHERE id = ?", [content])
        other = there is not None and there["path"] != place
        row = {
            "id": content_hash({"hash": content, "path": place}) if other else content,
            "name": name or path.name,
            "kind": manifest["kind"],
            "path": place,
            "manifest": to_json(dict(manifest)),
            "author": author,
            "job": job,
            "created": now(),
        }
        if insert(db, "datasets", row, seen="IGNORE"):
            audit(db, author, "freeze dataset", dataset=row["id"], kind=row["kind"])
        return get(db, row["id"])


def find(db: Database, *, kind: DatasetKind | None = None) -> list[Dataset]:
    """Datasets, newest first."""
    sql = "SELECT * FROM datasets WHERE kind = ? OR ? IS NULL ORDER BY created DESC"
    return [_dataset(row) for row in rows(db, sql, [kind, kind])]


def get(db: Database, dataset_id: str) -> Dataset:
    row = first(db, "SELECT * FROM datasets WHERE id = ?", [dataset_id])
    if row is None:
        raise NotFoundError(f"there is no dataset with the id '{dataset_id}'")
    return _dataset(row)


def _dataset(row: Row) -> Dataset:
    return Dataset(**row | {"path": Path(row["path"]), "manifest": json.loads(row["manifest"])})
