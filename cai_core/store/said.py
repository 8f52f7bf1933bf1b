"""What people, bulk rules and one judge say of many pairs: all that effective labels are made of.

Read by columns out of `standing`, without votes, panels and reasons: of 200,000 pairs in seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from cai_core.schema import ConstitutionRef, Label, Pair, Review, Split
from cai_core.store import pairs
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter


@dataclass(frozen=True)
class Said:
    """The pairs that pass a filter and what stands of them.

    `verdicts` are people's, oldest first, and the newest rule's of each pair; `judgements` at most one a
    pair, the newest. Labels share the pair's object and have no votes, panel, reason or note.
    """

    splits: Mapping[str, Split] = field(default_factory=dict)
    verdicts: tuple[Label, ...] = ()
    judgements: tuple[Label, ...] = ()


def read(db: Database, where: PairFilter | None = None, judge: LabelFilter | None = None) -> Said:
    """What stands of the pairs that pass `where`; without a `judge` nothing that judges said."""
    where = where or PairFilter()
    there = _pairs(db, where)
    found = {seq: pair for seq, (pair, _) in there.items()}
    return Said(
        splits={pair.id: split for pair, split in there.values()},
        verdicts=(*_verdicts(db, found, where), *_rules(db, found, where)),
        judgements=_judgements(db, found, where, judge) if judge else (),
    )


_PAIRS = f"""SELECT p.seq, {pairs.COLUMNS} FROM pair_states s JOIN pairs p ON p.seq = s.pair
    {pairs.TEXTS} WHERE {{clause}} ORDER BY p.seq"""
_VERDICTS = """SELECT t.pair, n.annotator, t.verdict, t.p, l.blind,
        json_extract(l.review, '$.queue'), json_extract(l.review, '$.constitution_version'),
        l.constitution_name, l.constitution_hash, l.constitution_version
    FROM annotators n JOIN standing t ON t.annotator = n.id JOIN labels l ON l.seq = t.label
    WHERE n.kind = 'person' AND {these} ORDER BY t.label"""
# In SQLite the other columns of a row with max() are those of the row that has it.
_JUDGEMENTS = """SELECT t.pair, n.annotator, t.verdict, t.p, l.inconsistent, l.constitution_name,
        l.constitution_hash, l.constitution_version, max(t.label)
    FROM annotators n JOIN standing t ON t.annotator = n.id JOIN labels l ON l.seq = t.label
    WHERE n.kind = 'judge' AND {these} AND {which} GROUP BY t.pair"""
_RULES = """SELECT t.pair, n.annotator, t.verdict, t.p, max(t.label)
    FROM annotators n JOIN standing t ON t.annotator = n.id
    WHERE n.kind = 'rule' AND {these} GROUP BY t.pair"""


def _these(where: PairFilter) -> tuple[str, list[Any]]:
    """The condition on standing labels that their pair passes."""
    if where == PairFilter():
        return "1", []
    clause, params = pairs.clause_of(where)
    return f"t.pair IN (SELECT s.pair FROM pair_states s WHERE {clause})", params


def _pairs(db: Database, where: PairFilter) -> dict[int, tuple[Pair, Split]]:
    clause, params = pairs.clause_of(where)
    cursor = db.conn.execute(_PAIRS.format(clause=clause), params)
    names = [column[0] for column in cursor.description]
    stored = ((row[0], pairs.stored_pair(dict(zip(names, row, strict=True)))) for row in cursor)
    return {seq: (one.pair, one.split) for seq, one in stored}


def _verdicts(db: Database, there: Mapping[int, Pair], where: PairFilter) -> tuple[Label, ...]:
    these, params = _these(where)
    return tuple(
        Label(
            pair=there[row[0]],
            verdict=row[2],
            p_a=row[3],
            kind="person",
            annotator=row[1],
            constitution=_constitution(*row[7:10]),
            review=_review(row),
        )
        for row in db.conn.execute(_VERDICTS.format(these=these), params)
        if row[0] in there
    )


def _rules(db: Database, there: Mapping[int, Pair], where: PairFilter) -> tuple[Label, ...]:
    these, params = _these(where)
    return tuple(
        Label(there[pair], verdict, p, kind="rule", annotator=annotator)
        for pair, annotator, verdict, p, _ in db.conn.execute(_RULES.format(these=these), params)
        if pair in there
    )


def _review(row: tuple[Any, ...]) -> Review | None:
    """What decides whether the verdict counts; an imported one has none."""
    if row[4] is None:
        return None
    return Review(bool(row[4]), row[5] or "", None, row[1], constitution_version=row[6])


def _constitution(name: str, key: str | None, version: int | None) -> ConstitutionRef | None:
    return ConstitutionRef(name, key, version) if key else None


def _judgements(
    db: Database, there: Mapping[int, Pair], where: PairFilter, judge: LabelFilter
) -> tuple[Label, ...]:
    these, params = _these(where)
    which, values = judge_clause(judge)
    sql = _JUDGEMENTS.format(these=these, which=which)
    return tuple(
        Label(
            pair=there[row[0]],
            verdict=row[2],
            p_a=row[3],
            annotator=row[1],
            inconsistent=None if row[4] is None else bool(row[4]),
            constitution=_constitution(*row[5:8]),
        )
        for row in db.conn.execute(sql, [*params, *values])
        if row[0] in there
    )


def judge_clause(judge: LabelFilter) -> tuple[str, list[Any]]:
    """The condition on `annotators n` that they are this judge setting, and its parameters."""
    columns = ("annotator", "constitution", "method", "principles")
    given = {column: value for column in columns if (value := getattr(judge, column))}
    return " AND ".join(["1", *(f"n.{column} = ?" for column in given)]), list(given.values())
