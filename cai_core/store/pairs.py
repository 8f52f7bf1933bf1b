"""Pairs: a prompt with two answers. One that is seen again keeps its first orientation and its id."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from cai_core.errors import NotFoundError
from cai_core.schema import Pair, Row, Split
from cai_core.store import texts
from cai_core.store.database import first, from_json, insert, marks, now, rows, to_json, write_tx

COLUMNS = """p.id AS pair_id, p.split, p.source, p.job AS pair_job, p.created AS pair_created,
    p.extra AS pair_extra, q.text AS prompt_text, a.text AS a_text, b.text AS b_text"""
TEXTS = """JOIN texts q ON q.id = p.prompt JOIN texts a ON a.id = p.a JOIN texts b ON b.id = p.b"""


@dataclass(frozen=True)
class StoredPair:
    """A pair as it stands in the workspace."""

    pair: Pair
    split: Split
    source: str
    job: str
    created: str

    @property
    def id(self) -> str:
        return self.pair.id


@dataclass(frozen=True)
class PairFilter:
    """Which pairs; every field that is set must hold.

    Args:
        text: stands in the prompt or an answer, in any case.
        judged: a standing judgement without a failure is there. constitution narrows it to one hash.
        seen_by: a standing verdict of this person is there. not_seen_by: none is.
        reviewed: any person's standing verdict is there.
    """

    text: str = ""
    split: Split | None = None
    source: str = ""
    job: str = ""
    judged: bool | None = None
    constitution: str = ""
    reviewed: bool | None = None
    seen_by: str = ""
    not_seen_by: str = ""


@dataclass(frozen=True)
class Added:
    """What came of adding pairs: their ids as stored, in the order given, and how many are new."""

    ids: tuple[str, ...]
    new: int


def add(
    db: Database,
    pairs: Iterable[Pair],
    *,
    source: str = "",
    job: str = "",
    split: Split | None = None,
) -> Added:
    """Store pairs; those that are there (either way round) stay as they are.

    A pair's own `label` is not stored here: see `labels.add_imported`.

    Args:
        split: what a file names; it counts only for a prompt that has none yet.
    """
    ids, new = [], 0
    with write_tx(db):
        for pair in pairs:
            there = _id_of(db, pair)
            ids.append(there or _insert(db, pair, source=source, job=job, split=split))
            new += there is None
    return Added(tuple(ids), new)


def _identity(pair: Pair) -> str:
    return Pair.id_of(pair.prompt, pair.response_a, pair.response_b)


def _id_of(db: Database, pair: Pair) -> str | None:
    row = first(db, "SELECT id FROM pairs WHERE identity = ?", [_identity(pair)])
    return row["id"] if row else None


def _insert(db: Database, pair: Pair, *, source: str, job: str, split: Split | None) -> str:
    identity = _identity(pair)
    taken = first(db, "SELECT 1 FROM pairs WHERE id = ?", [pair.id])
    row = {
        "id": identity if taken else pair.id,
        "identity": identity,
        "prompt": texts.keep_chat(db, pair.prompt),
        "a": texts.keep(db, pair.response_a),
        "b": texts.keep(db, pair.response_b),
        "split": texts.split_for(db, pair.prompt, given=split),
        "source": source,
        "job": job,
        "extra": to_json(pair.extra),
        "created": now(),
    }
    insert(db, "pairs", row)
    return str(row["id"])


def get(db: Database, pair_id: str) -> StoredPair:
    row = first(db, f"SELECT {COLUMNS} FROM pairs p {TEXTS} WHERE p.id = ?", [pair_id])
    if row is None:
        raise NotFoundError(f"there is no pair with the id '{pair_id}'")
    return stored_pair(row)


def stored(db: Database, pair: Pair) -> StoredPair | None:
    """The pair with this prompt and these two answers, in its first orientation, if it is there."""
    there = _id_of(db, pair)
    return get(db, there) if there else None


def find(
    db: Database,
    where: PairFilter | None = None,
    *,
    order: Literal["newest", "oldest"] = "oldest",
    limit: int | None = None,
    offset: int = 0,
) -> list[StoredPair]:
    """Pairs that pass the filter."""
    clause, params = _clause(where or PairFilter())
    direction = "DESC" if order == "newest" else "ASC"
    sql = f"SELECT {COLUMNS} FROM pairs p {TEXTS} WHERE {clause} ORDER BY p.seq {direction} LIMIT ? OFFSET ?"
    found = rows(db, sql, [*params, -1 if limit is None else limit, offset])
    return [stored_pair(row) for row in found]


def count(db: Database, where: PairFilter | None = None) -> int:
    clause, params = _clause(where or PairFilter())
    sql = f"SELECT count(*) FROM pairs p {TEXTS} WHERE {clause}"
    return int(db.conn.execute(sql, params).fetchone()[0])


def many(db: Database, ids: Sequence[str]) -> dict[str, StoredPair]:
    """Stored pairs by id; ids that are not there are left out."""
    found: dict[str, StoredPair] = {}
    for start in range(0, len(ids), 500):
        part = list(ids[start : start + 500])
        sql = f"SELECT {COLUMNS} FROM pairs p {TEXTS} WHERE p.id IN ({marks(part)})"
        found |= {row["pair_id"]: stored_pair(row) for row in rows(db, sql, part)}
    return found


def sources(db: Database) -> list[str]:
    """The sources that pairs name, by name."""
    return [row["source"] for row in rows(db, "SELECT DISTINCT source FROM pairs ORDER BY source")]


_STANDING = """EXISTS (SELECT 1 FROM labels l WHERE l.pair = p.id AND {what}
    AND NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id))"""
_JUDGED = "l.kind = 'judge' AND l.verdict IS NOT NULL"


def _clause(where: PairFilter) -> tuple[str, list[Any]]:
    """The condition and its parameters."""
    parts, params = ["1"], list[Any]()

    def need(sql: str, *values: Any) -> None:
        parts.append(sql)
        params.extend(values)

    if where.text:
        need("instr(lower(q.text || ' ' || a.text || ' ' || b.text), lower(?))", where.text)
    for column in ("split", "source", "job"):
        if getattr(where, column):
            need(f"p.{column} = ?", getattr(where, column))
    if where.judged is not None:
        what = _JUDGED + (" AND l.constitution_hash = ?" if where.constitution else "")
        given = [where.constitution] if where.constitution else []
        need(("" if where.judged else "NOT ") + _STANDING.format(what=what), *given)
    if where.reviewed is not None:
        prefix = "" if where.reviewed else "NOT "
        need(prefix + _STANDING.format(what="l.kind = 'person'"))
    mine = "l.kind = 'person' AND l.annotator = ?"
    if where.seen_by:
        need(_STANDING.format(what=mine), where.seen_by)
    if where.not_seen_by:
        need("NOT " + _STANDING.format(what=mine), where.not_seen_by)
    return " AND ".join(parts), params


def stored_pair(row: Row) -> StoredPair:
    """The pair of a row that was selected with COLUMNS."""
    pair = Pair(
        id=row["pair_id"],
        prompt=texts.chat_of(row["prompt_text"]),
        response_a=row["a_text"],
        response_b=row["b_text"],
        extra=from_json(row["pair_extra"]),
    )
    return StoredPair(pair, row["split"], row["source"], row["pair_job"], row["pair_created"])
