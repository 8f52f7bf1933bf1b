"""Labels: an append-only log of verdicts on pairs. An undo is a new event that names its target.

A label *stands* while nothing undid it. A person's newest standing verdict on a pair counts; so does
a judge's newest standing judgement under one setting. Neither ever replaces the other.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlite_utils import Database

from cai_core.errors import DataError, NotFoundError
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
    canonical_json,
    content_hash,
)
from cai_core.store import label_rows, pairs
from cai_core.store.database import first, insert, now, rows, write_tx
from cai_core.store.label_rows import turned


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
        return _append(db, label, job=job, source=source)[0]


def add_many(db: Database, labels: Iterable[Label], *, job: str = "", source: str = "") -> int:
    """Append labels in one transaction; how many were not there."""
    with write_tx(db):
        return sum(_append(db, label, job=job, source=source)[1] for label in labels)


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


def _append(db: Database, label: Label, *, job: str, source: str) -> tuple[str, bool]:
    _check(label)
    pairs.add(db, [label.pair], source=source, job=job)
    there = pairs.stored(db, label.pair)
    assert there is not None
    if there.pair.response_a != label.pair.response_a:
        label = turned(label)
    label = replace(label, pair=there.pair)
    created = now()
    key = {"row": canonical_json(label.to_row()), "job": job, "created": "" if job else created}
    row = {"id": content_hash(key), "pair": there.id, "job": job, "created": created}
    return str(row["id"]), insert(
        db, "labels", row | label_rows.columns(db, _first_or_not(db, label)), seen="IGNORE"
    )


def _check(label: Label) -> None:
    if label.kind == "person" and not label.annotator.strip():
        raise DataError("a person's verdict needs a name; give yours first", column="annotator")


def _first_or_not(db: Database, label: Label) -> Label:
    """`review.first` holds only where this person never gave a verdict here, undone ones included."""
    if label.review is None or not label.review.first:
        return label
    sql = "SELECT 1 FROM labels WHERE pair = ? AND kind = 'person' AND annotator = ?"
    seen = first(db, sql, [label.pair.id, label.annotator]) is not None
    return replace(label, review=replace(label.review, first=not seen))


def undo(db: Database, label_id: str, *, who: str) -> None:
    """Append an undo: the label stands no more, what stood before it does again.

    Raises:
        NotFoundError: no such label. DataError: it was undone already.
    """
    with write_tx(db):
        if first(db, "SELECT 1 FROM labels WHERE id = ?", [label_id]) is None:
            raise NotFoundError(f"there is no label with the id '{label_id}'")
        row = {"target": label_id, "who": who, "created": now()}
        if not insert(db, "undos", row, seen="IGNORE"):
            raise DataError("this verdict was undone already")


_SELECT = f"""SELECT l.*, k.keys, u.target IS NOT NULL AS undone, {pairs.COLUMNS}
    FROM labels l JOIN pairs p ON p.id = l.pair {pairs.TEXTS}
        LEFT JOIN vote_keys k ON k.id = l.vote_keys LEFT JOIN undos u ON u.target = l.id"""

# The newest standing event of each (pair, annotator, setting); a person has no setting.
_NEWEST = """l.seq IN (SELECT max(l.seq) FROM labels l JOIN pairs p ON p.id = l.pair
    WHERE NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id) AND {clause}
    GROUP BY l.pair, l.kind, l.annotator, CASE l.kind WHEN 'judge' THEN coalesce(l.constitution_hash, '')
        || '/' || l.method || '/' || l.principles || '/' || l.template END)"""


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
    clause, params = _clause(where or LabelFilter())
    sql = f"{_SELECT} WHERE {_NEWEST.format(clause=clause)} ORDER BY p.seq, l.seq LIMIT ? OFFSET ?"
    found = rows(db, sql, [*params, -1 if limit is None else limit, offset])
    return [_stored(row) for row in found]


def count(db: Database, where: LabelFilter | None = None) -> int:
    """How many labels `standing` gives."""
    clause, params = _clause(where or LabelFilter())
    sql = f"SELECT count(*) FROM labels l WHERE {_NEWEST.format(clause=clause)}"
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
    sql = """SELECT annotator, count(DISTINCT pair) AS n FROM labels l WHERE kind = 'person'
        AND NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id)
        GROUP BY annotator ORDER BY n DESC, annotator"""
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
    sql = f"""SELECT l.annotator AS judge, l.method, l.principles, l.template,
            l.constitution_name AS name, max(l.constitution_version) AS version,
            l.constitution_hash AS hash, count(*) AS n, sum(l.verdict IS NULL) AS failed
        FROM labels l WHERE {_NEWEST.format(clause="l.kind = 'judge'")}
        GROUP BY l.annotator, l.method, l.principles, l.template, l.constitution_hash
        ORDER BY max(l.seq) DESC"""
    uses = []
    for row in rows(db, sql):
        name, version, key = row.pop("name"), row.pop("version"), row.pop("hash")
        ref = ConstitutionRef(name, key, version) if key else None
        uses.append(JudgeUse(constitution=ref, **row))
    return uses


def _clause(where: LabelFilter) -> tuple[str, list[Any]]:
    columns = {
        "l.kind": where.kind,
        "l.annotator": where.annotator,
        "l.constitution_hash": where.constitution,
        "l.method": where.method,
        "l.principles": where.principles,
        "p.split": where.split,
        "p.source": where.source,
        "l.job": where.job,
    }
    given = {column: value for column, value in columns.items() if value}
    parts = ["1", *(f"{column} = ?" for column in given)]
    params: list[Any] = list(given.values())
    if where.pairs is not None:
        parts.append("l.pair IN (SELECT value FROM json_each(?))")
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
