"""What was made under a constitution: labels, revisions, datasets, runs. Known by its hash."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from cai_core.store.database import marks, rows


@dataclass(frozen=True)
class Use:
    """How much was made under one hash; whatever became of it, it stays in the log.

    `runs` are jobs of any kind and state.
    """

    labels: int = 0
    revisions: int = 0
    datasets: int = 0
    runs: int = 0


def of_hashes(db: Database, hashes: Sequence[str]) -> dict[str, Use]:
    """What was made under each of these; every hash is there."""
    some = list(dict.fromkeys(hashes))
    found = {
        "labels": _count(db, _counted("labels", some), some),
        "revisions": _count(db, _counted("revisions", some), some),
        "datasets": _count(db, tagged("datasets", "manifest"), ()),
        "runs": _count(db, tagged("jobs", "config"), ()),
    }
    return {one: Use(**{kind: by.get(one, 0) for kind, by in found.items()}) for one in some}


def tagged(table: str, column: str, *, where: str = "1") -> str:
    """SQL for hash, kind and n: which rows name which constitution at the top of a JSON column.

    They say `"constitution": {"hash": ...}`, or `"constitutions": [{"hash": ...}, ...]`.
    """
    return f"""SELECT hash, kind, count(DISTINCT id) AS n FROM (
        SELECT id, kind, json_extract({column}, '$.constitution.hash') AS hash FROM {table} WHERE {where}
        UNION SELECT t.id, t.kind, json_extract(e.value, '$.hash') FROM {table} t,
            json_each(t.{column}, '$.constitutions') e WHERE {where} AND e.type = 'object')
    WHERE hash IS NOT NULL GROUP BY hash, kind"""


def _counted(table: str, hashes: Sequence[str]) -> str:
    return (
        f"SELECT constitution_hash AS hash, count(*) AS n FROM {table}"
        f" WHERE constitution_hash IN ({marks(hashes)}) GROUP BY 1"
    )


def _count(db: Database, sql: str, params: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows(db, sql, list(params)):
        found[row["hash"]] = found.get(row["hash"], 0) + row["n"]
    return found
