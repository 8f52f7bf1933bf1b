"""How far the workspace is: counts per stage, and one row for each cycle."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from cai_core.schema import Version
from cai_core.store import constitutions, uses
from cai_core.store.database import rows

_UNDONE = "EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id)"


@dataclass(frozen=True)
class Counts:
    """What is there, stage by stage. `judged` counts pairs; `verdicts` counts people's standing ones."""

    constitutions: int
    versions: int
    prompts: int
    revisions: int
    decided: int
    pairs: int
    judged: int
    verdicts: int
    reviewed: int
    datasets: Mapping[str, int]
    runs: Mapping[str, int]
    running: int
    queued: int


@dataclass(frozen=True)
class Cycle:
    """One constitution version and what was made under it."""

    version: Version
    revisions: int
    judged: int
    datasets: Mapping[str, int]
    runs: Mapping[str, int]


def counts(db: Database) -> Counts:
    """Counts per stage; `runs` are jobs that succeeded, by kind."""
    one = {
        "constitutions": "SELECT count(*) FROM constitutions",
        "versions": "SELECT count(*) FROM versions",
        "prompts": "SELECT count(*) FROM prompts",
        "revisions": "SELECT count(*) FROM (SELECT DISTINCT job, row_id FROM revisions WHERE NOT failed)",
        "decided": """SELECT count(DISTINCT revision) FROM decisions l
            WHERE verdict != 'skip' AND NOT """
        + _UNDONE,
        "pairs": "SELECT count(*) FROM pair_states",
        "judged": "SELECT count(*) FROM pair_states WHERE judged > 0",
        "verdicts": "SELECT coalesce(sum(readers), 0) FROM pair_states WHERE readers > 0",
        "reviewed": "SELECT count(*) FROM pair_states WHERE readers > 0",
        "running": "SELECT count(*) FROM jobs WHERE state IN ('starting', 'running', 'stopping')",
        "queued": "SELECT count(*) FROM jobs WHERE state = 'queued'",
    }
    numbers = {name: int(db.conn.execute(sql).fetchone()[0]) for name, sql in one.items()}
    datasets = _by_kind(db, "SELECT kind, count(*) AS n FROM datasets GROUP BY kind")
    done = "SELECT kind, count(*) AS n FROM jobs WHERE state = 'succeeded' GROUP BY kind"
    return Counts(datasets=datasets, runs=_by_kind(db, done), **numbers)


def cycles(db: Database) -> list[Cycle]:
    """One row for each version that something was made under, and the newest of each constitution.

    What a row, a manifest or a job's config calls its constitution is its hash; two versions with one
    hash (a restored one) share what was made, and only the newer is shown. Newest version first.
    """
    revised = _by_hash(
        db,
        "SELECT constitution_hash AS hash, '' AS kind, count(*) AS n FROM revisions"
        " WHERE NOT failed GROUP BY 1",
    )
    judged = _by_hash(
        db,
        "SELECT a.constitution AS hash, '' AS kind, count(DISTINCT s.pair) AS n FROM annotators a"
        " JOIN standing s ON s.annotator = a.id"
        " WHERE a.kind = 'judge' AND s.verdict IS NOT NULL GROUP BY 1",
    )
    datasets = _by_hash(db, uses.tagged("datasets", "manifest"))
    runs = _by_hash(db, uses.tagged("jobs", "config", where="state = 'succeeded'"))
    newest = {version.id for version in constitutions.newest_of_each(db)}
    found = []
    for version in _newest_of_each_hash(db):
        key = version.constitution.hash
        if version.id in newest or any(key in made for made in (revised, judged, datasets, runs)):
            n_revised, n_judged = (made.get(key, {}).get("", 0) for made in (revised, judged))
            found.append(
                Cycle(version, n_revised, n_judged, datasets.get(key, {}), runs.get(key, {}))
            )
    return found


def _newest_of_each_hash(db: Database) -> list[Version]:
    sql = "SELECT max(created), id FROM versions GROUP BY hash ORDER BY 1 DESC"
    return [constitutions.get(db, row["id"]) for row in rows(db, sql)]


def _by_kind(db: Database, sql: str) -> dict[str, int]:
    return {row["kind"]: row["n"] for row in rows(db, sql)}


def _by_hash(db: Database, sql: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in rows(db, sql):
        if row["hash"]:
            found.setdefault(row["hash"], {})[row["kind"]] = row["n"]
    return found
