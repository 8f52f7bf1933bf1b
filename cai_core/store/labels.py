"""Labels: an append-only log of verdicts on pairs. An undo is a new event that names its target.

A label *stands* while nothing undid it. A person's newest standing verdict on a pair counts; so does
a judge's newest standing judgement under one setting. Neither ever replaces the other.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from sqlite_utils import Database

from cai_core.errors import NotFoundError
from cai_core.schema import (
    HUMAN_P,
    AnnotatorKind,
    ConstitutionRef,
    Label,
    Pair,
    Review,
    Row,
    Split,
    Verdict,
)
from cai_core.store import label_log, label_rows, pairs, states, undos
from cai_core.store.database import first, rows, write_tx

AT_ONCE = 1_000  # labels appended before their pairs' states are written again


@dataclass(frozen=True)
class StoredLabel:
    """One event of the log; `label.pair` is in the pair's stored orientation."""

    id: str
    seq: int
    label: Label
    split: Split
    source: str
    job: str
    created: str
    undone: bool

    @property
    def pair_id(self) -> str:
        return self.label.pair.id


@dataclass(frozen=True)
class LabelFilter:
    """Which standing labels; every field that is set must hold."""

    kind: AnnotatorKind | None = None
    annotator: str = ""
    constitution: str = ""
    method: str = ""
    principles: str = ""
    split: Split | None = None
    source: str = ""
    job: str = ""
    pairs: Sequence[str] | None = None


def add(db: Database, label: Label, *, job: str = "", source: str = "") -> str:
    """Append one label; the id of its event. The pair is stored where it is new.

    A label that a job wrote has one event, however often it is read.
    """
    with write_tx(db):
        [(key, _)] = label_log.append(db, [label], job=job, source=source)
        return key


def add_many(db: Database, labels: Iterable[Label], *, job: str = "", source: str = "") -> int:
    """Append labels in one transaction; how many were not there."""
    new = 0
    with write_tx(db):
        for some in _batches(labels):
            new += sum(is_new for _, is_new in label_log.append(db, some, job=job, source=source))
    return new


def _batches(labels: Iterable[Label]) -> Iterator[list[Label]]:
    given = iter(labels)
    while some := list(islice(given, AT_ONCE)):
        yield some


def add_imported(db: Database, imported: Iterable[Pair], *, source: str = "") -> int:
    """Append the verdicts that pairs bring in their own `label`; how many were not there.

    They are people's verdicts, not blind as far as is known. Reading a file again adds nothing.
    """
    labels = (_imported(pair) for pair in imported if pair.label is not None)
    return add_many(db, labels, job=f"file:{source}", source=source)


def _imported(pair: Pair) -> Label:
    p_a = HUMAN_P.get(pair.label or "")
    bare = replace(pair, label=None, annotator="")
    return Label(bare, pair.label, p_a, kind="person", annotator=pair.annotator or "imported")


def verdict_label(pair: Pair, verdict: Verdict, *, review: Review) -> Label:
    """A person's label: p_a is 1, 0.5 or 0; bad and skip have none."""
    return Label(
        pair=replace(pair, label=None, annotator=""),
        verdict=verdict,
        p_a=HUMAN_P.get(verdict),
        kind="person",
        annotator=review.reviewer,
        review=review,
    )


def undo(db: Database, label_id: str, *, who: str) -> None:
    """Append an undo: the label stands no more, what stood before it does again.

    Raises:
        NotFoundError: no such label. DataError: it was undone already.
    """
    with write_tx(db):
        undos.append(db, "labels", target=label_id, who=who, what="label")
        states.refresh(db, _pair_of(db, label_id))


def _pair_of(db: Database, label_id: str) -> list[int]:
    sql = "SELECT p.seq FROM labels l JOIN pairs p ON p.id = l.pair WHERE l.id = ?"
    return [row[0] for row in db.conn.execute(sql, [label_id])]


_SELECT = f"""SELECT l.*, k.keys, u.target IS NOT NULL AS undone, {pairs.COLUMNS}
    FROM labels l JOIN pairs p ON p.id = l.pair {pairs.TEXTS}
        LEFT JOIN vote_keys k ON k.id = l.vote_keys LEFT JOIN undos u ON u.target = l.id"""

# What stands; of one job what stands of its own, though a later one judged the same again.
_STANDING = f"""SELECT l.*, k.keys, 0 AS undone, {pairs.COLUMNS}
    FROM standing s JOIN annotators n ON n.id = s.annotator JOIN labels l ON l.seq = s.label
        JOIN pairs p ON p.seq = s.pair {pairs.TEXTS} LEFT JOIN vote_keys k ON k.id = l.vote_keys"""
_OF_JOB = f"""{_SELECT} JOIN annotators n ON n.kind = l.kind AND n.annotator = l.annotator
        AND n.method = iif(l.kind = 'judge', l.method, '')
        AND n.principles = iif(l.kind = 'judge', l.principles, '')
        AND n.template = iif(l.kind = 'judge', l.template, '')
        AND n.constitution = iif(l.kind = 'judge', coalesce(l.constitution_hash, ''), '')
    WHERE l.seq IN (SELECT max(l.seq) FROM labels l WHERE l.job = ?
            AND NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id)
        GROUP BY l.pair, l.kind, l.annotator, iif(l.kind = 'judge',
            coalesce(l.constitution_hash, '') || '/' || l.method || '/' || l.principles || '/' || l.template, ''))"""


def get(db: Database, label_id: str) -> StoredLabel:
    row = first(db, f"{_SELECT} WHERE l.id = ?", [label_id])
    if row is None:
        raise NotFoundError(f"there is no label with the id '{label_id}'")
    return _stored(row)


def history(db: Database, pair_id: str) -> list[StoredLabel]:
    """Every event on a pair, newest first, undone ones too."""
    return [
        _stored(row)
        for row in rows(db, f"{_SELECT} WHERE l.pair = ? ORDER BY l.seq DESC", [pair_id])
    ]


def standing(
    db: Database,
    where: LabelFilter | None = None,
    *,
    limit: int | None = None,
    offset: int = 0,
) -> list[StoredLabel]:
    """The newest standing label of each pair, annotator and judge setting, in the order of pairs."""
    where = where or LabelFilter()
    clause, params = _clause(where)
    if where.job:
        sql, params = f"{_OF_JOB} AND {clause}", [where.job, *params]
    else:
        sql = f"{_STANDING} WHERE {clause}"
    sql += " ORDER BY p.seq, l.seq LIMIT ? OFFSET ?"
    found = rows(db, sql, [*params, -1 if limit is None else limit, offset])
    return [_stored(row) for row in found]


def count(db: Database, where: LabelFilter | None = None) -> int:
    """How many labels `standing` gives."""
    where = where or LabelFilter()
    clause, params = _clause(where)
    if where.job:
        sql, params = f"SELECT count(*) FROM ({_OF_JOB} AND {clause})", [where.job, *params]
    else:
        sql = f"""SELECT count(*) FROM standing s JOIN annotators n ON n.id = s.annotator
            JOIN pairs p ON p.seq = s.pair WHERE {clause}"""
    return int(db.conn.execute(sql, params).fetchone()[0])


def verdicts(db: Database, where: LabelFilter | None = None) -> list[StoredLabel]:
    """People's newest standing verdicts."""
    return standing(db, replace(where or LabelFilter(), kind="person"))


def judgements(db: Database, where: LabelFilter | None = None) -> list[StoredLabel]:
    """One judgement a pair: the newest standing one that passes the filter, failed ones too."""
    newest = {found.pair_id: found for found in _judged(db, where)}
    return list(newest.values())


def _judged(db: Database, where: LabelFilter | None) -> list[StoredLabel]:
    found = standing(db, replace(where or LabelFilter(), kind="judge"))
    return sorted(found, key=lambda event: event.seq)


def last_of(db: Database, person: str) -> StoredLabel | None:
    """The newest standing verdict of a person: what an undo button undoes."""
    sql = f"""{_SELECT} WHERE l.kind = 'person' AND l.annotator = ? AND u.target IS NULL
        ORDER BY l.seq DESC LIMIT 1"""
    row = first(db, sql, [person])
    return _stored(row) if row else None


def people(db: Database) -> dict[str, int]:
    """How many standing verdicts each person has, most first."""
    sql = """SELECT n.annotator, count(*) AS n FROM annotators n
        JOIN standing s ON s.annotator = n.id WHERE n.kind = 'person'
        GROUP BY n.id ORDER BY n DESC, n.annotator"""
    return {row["annotator"]: row["n"] for row in rows(db, sql)}


@dataclass(frozen=True)
class JudgeUse:
    """A judge setting that judgements were made under, and how many pairs it judged."""

    judge: str
    method: str
    principles: str
    template: str
    constitution: ConstitutionRef | None
    n: int
    failed: int


def judge_uses(db: Database) -> list[JudgeUse]:
    """Every judge setting with standing judgements, the one used last first."""
    sql = """SELECT n.annotator AS judge, n.method, n.principles, n.template,
            l.constitution_name AS name, l.constitution_version AS version,
            l.constitution_hash AS hash, u.n, u.failed
        FROM (SELECT annotator, count(*) AS n, sum(verdict IS NULL) AS failed, max(label) AS last
                FROM standing GROUP BY annotator) u
            JOIN annotators n ON n.id = u.annotator JOIN labels l ON l.seq = u.last
        WHERE n.kind = 'judge' ORDER BY u.last DESC"""
    uses = []
    for row in rows(db, sql):
        name, version, key = row.pop("name"), row.pop("version"), row.pop("hash")
        ref = ConstitutionRef(name, key, version) if key else None
        uses.append(JudgeUse(constitution=ref, **row))
    return uses


def _clause(where: LabelFilter) -> tuple[str, list[Any]]:
    columns = {
        "n.kind": where.kind,
        "n.annotator": where.annotator,
        "n.constitution": where.constitution,
        "n.method": where.method,
        "n.principles": where.principles,
        "p.split": where.split,
        "p.source": where.source,
    }
    given = {column: value for column, value in columns.items() if value}
    parts = ["1", *(f"{column} = ?" for column in given)]
    params: list[Any] = list(given.values())
    if where.pairs is not None:
        parts.append("p.id IN (SELECT value FROM json_each(?))")
        params.append(json.dumps(list(where.pairs)))
    return " AND ".join(parts), params


def _stored(row: Row) -> StoredLabel:
    there = pairs.stored_pair(row)
    return StoredLabel(
        id=row["id"],
        seq=row["seq"],
        label=label_rows.label_of(row, there.pair),
        split=there.split,
        source=there.source,
        job=row["job"],
        created=row["created"],
        undone=bool(row["undone"]),
    )
