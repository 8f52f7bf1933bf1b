"""Bulk labels: one verdict, or what a judge says, on every pair that passes a filter, as one event.

A batch writes labels of kind `rule`. They train and never measure: what a person said of a pair stands
over them. A batch is undone as one. Everything is done in SQL, on all pairs at once.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from sqlite_utils import Database

from cai_core.errors import DataError, NotFoundError
from cai_core.schema import HUMAN_P, Row, Verdict, content_hash
from cai_core.store import pairs, said, states, undos
from cai_core.store.database import first, insert, now, rows, to_json, write_tx
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter, StoredPair

Ruling = Literal["a", "b", "tie", "bad", "judge"]
RULINGS: tuple[Ruling, ...] = get_args(Ruling)
NAME_MOST = 80  # characters of a rule's name


@dataclass(frozen=True)
class Rule:
    """What a person says of all pairs that pass `where`: a verdict, or "judge" for what `judge` says.

    Under "judge" the verdict is taken, not its probability, and pairs without one are left out.
    """

    verdict: Ruling
    where: PairFilter = field(default_factory=PairFilter)
    judge: LabelFilter | None = None
    name: str = ""

    @property
    def selection(self) -> Row:
        """What is set of both filters, to be read by people."""
        said = _set(asdict(self.where))
        if self.verdict == "judge" and self.judge:
            said["as_judged_by"] = _set(asdict(self.judge))
        return said


@dataclass(frozen=True)
class Preview:
    """What a rule would label: how many pairs, with which verdict, and how many people spoke of."""

    said: Mapping[Verdict, int]
    by_people: int

    @property
    def n(self) -> int:
        return sum(self.said.values())


@dataclass(frozen=True)
class Batch:
    """One bulk label as it was written; `undone_by` is "" while it stands."""

    id: str
    person: str
    name: str
    verdict: Ruling
    selection: Row
    n: int
    created: str
    undone_by: str = ""

    @property
    def annotator(self) -> str:
        """The name that its labels bear."""
        return annotator_of(self.person, self.name)


def annotator_of(person: str, name: str) -> str:
    """
    >>> annotator_of("Ada", "short lists")
    'Ada: short lists'
    """
    return f"{person}: {name}"


def preview(db: Database, rule: Rule) -> Preview:
    """Count what a rule would label. Raises DataError as `label` does."""
    sql, params = _selected(rule)
    found = rows(
        db,
        f"""SELECT x.verdict, count(*) AS n, sum(s.said > 0) AS people
        FROM ({sql}) x JOIN pair_states s ON s.pair = x.pair GROUP BY x.verdict ORDER BY x.verdict""",
        params,
    )
    return Preview({row["verdict"]: row["n"] for row in found}, sum(row["people"] for row in found))


def sample(
    db: Database, rule: Rule, *, n: int = 10, seed: int = 0
) -> list[tuple[StoredPair, Verdict]]:
    """Pairs of the selection drawn at random, each with what the rule says of it."""
    sql, params = _selected(rule)
    found = db.conn.execute(f"SELECT pair, verdict FROM ({sql}) ORDER BY pair", params).fetchall()
    drawn = random.Random(seed).sample(found, min(n, len(found)))
    there = pairs.by_seq(db, [pair for pair, _ in drawn])
    return [(there[pair], verdict) for pair, verdict in drawn]


def label(db: Database, rule: Rule, *, person: str, expected: int | None = None) -> Batch:
    """Label every pair of the selection, in one transaction.

    Args:
        expected: how many the person saw in the preview.
    Raises:
        DataError: no name, no pair, no judge to follow, or another number of pairs than expected.
    """
    name = _checked_name(rule, person)
    with write_tx(db):
        n = preview(db, rule).n
        if not n:
            raise DataError("no pair passes this filter; choose another one")
        if expected is not None and n != expected:
            raise DataError(
                f"there were {expected:,} pairs when you looked and there are {n:,} now;"
                " look again, then confirm"
            )
        row: Row = {"person": person, "name": name, "verdict": rule.verdict}
        row |= {"selection": to_json(rule.selection), "n": n, "created": now()}
        row["id"] = content_hash(row)
        insert(db, "batches", row)
        batch = _batch(row | {"undone_by": ""})
        _write(db, rule, batch)
        states.refresh_rule(db, batch.annotator)
    return batch


def undo(db: Database, batch_id: str, *, who: str) -> None:
    """Take a batch back: one event names it, and none of its labels stands any more.

    Raises:
        NotFoundError: no such batch. DataError: it was undone already.
    """
    with write_tx(db):
        batch = get(db, batch_id)
        created = undos.append(db, "batches", target=batch_id, who=who, what="batch")
        db.conn.execute(
            """INSERT OR IGNORE INTO undos (target, who, created)
            SELECT id, :who, :created FROM labels WHERE job = :job""",
            {"who": who, "created": created, "job": job_of(batch_id)},
        )
        states.refresh_rule(db, batch.annotator)


def find(db: Database) -> list[Batch]:
    """All batches, newest first, undone ones too."""
    return [_batch(row) for row in rows(db, f"{_SELECT} ORDER BY b.seq DESC")]


def get(db: Database, batch_id: str) -> Batch:
    row = first(db, f"{_SELECT} WHERE b.id = ?", [batch_id])
    if row is None:
        raise NotFoundError(f"there is no batch with the id '{batch_id}'")
    return _batch(row)


def job_of(batch_id: str) -> str:
    """What the labels of a batch name as their job."""
    return f"bulk:{batch_id}"


_SELECT = """SELECT b.id, b.person, b.name, b.verdict, b.selection, b.n, b.created,
    coalesce(u.who, '') AS undone_by FROM batches b LEFT JOIN undos u ON u.target = b.id"""
_P_A = " ".join(f"WHEN '{verdict}' THEN {p}" for verdict, p in HUMAN_P.items())
_APPEND = f"""INSERT INTO labels (id, pair, kind, annotator, verdict, p_a, method, principles, template,
        rationale, error, job, extra, created)
    SELECT :batch || '-' || x.pair, p.id, 'rule', :annotator, x.verdict, CASE x.verdict {_P_A} END,
        '', '', '', '', '', :job, '{{}}', :created
    FROM selected x JOIN pairs p ON p.seq = x.pair"""
_JUDGED = """SELECT t.pair, t.verdict, max(t.label) FROM standing t JOIN annotators n ON n.id = t.annotator
    WHERE n.kind = 'judge' AND t.verdict IN ('a', 'b', 'tie', 'bad') AND {clause} GROUP BY t.pair"""


def _write(db: Database, rule: Rule, batch: Batch) -> None:
    """Append the labels; each is known by its batch and its pair."""
    sql, params = _selected(rule)
    db.conn.execute(f"CREATE TEMP TABLE selected AS {sql}", params)
    given = {"batch": batch.id, "annotator": batch.annotator, "job": job_of(batch.id)}
    db.conn.execute(_APPEND, given | {"created": batch.created})
    db.conn.execute("DROP TABLE selected")


def _selected(rule: Rule) -> tuple[str, list[Any]]:
    """A SELECT of pair and verdict, and its parameters."""
    if rule.verdict not in RULINGS:
        raise DataError(f"a rule says one of {', '.join(RULINGS)}, not '{rule.verdict}'")
    clause, params = pairs.clause_of(rule.where)
    if rule.verdict != "judge":
        sql = f"SELECT s.pair, ? AS verdict FROM pair_states s WHERE {clause}"
        return sql, [rule.verdict, *params]
    if rule.judge is None:
        raise DataError("choose the judge whose verdicts these pairs are to get")
    which, values = said.judge_clause(rule.judge)
    judged = _JUDGED.format(clause=which)
    sql = f"SELECT s.pair, j.verdict FROM ({judged}) j JOIN pair_states s ON s.pair = j.pair WHERE {clause}"
    return sql, [*values, *params]


def _checked_name(rule: Rule, person: str) -> str:
    name = " ".join(rule.name.split())
    if not person.strip():
        raise DataError("a bulk label needs your name; give it first")
    if not name or len(name) > NAME_MOST:
        raise DataError(
            f"give the rule a name of 1 to {NAME_MOST} characters, so that it is known later"
        )
    return name


def _set(values: Row) -> Row:
    return {key: value for key, value in values.items() if value not in ("", None)}


def _batch(row: Row) -> Batch:
    return Batch(**row | {"selection": json.loads(row["selection"])})
