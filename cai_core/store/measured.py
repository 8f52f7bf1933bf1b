"""What the quality page measures from, read as columns: no label is made of any row.

Two hundred thousand judged pairs and fifty thousand verdicts are read in well under a second.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from sqlite_utils import Database

from cai_core.schema import HUMAN_P, content_hash
from cai_core.schema.readings import Draws, JudgedPairs, Numbers, Verdicts
from cai_core.stats import FloatArray, logit
from cai_core.store import pairs
from cai_core.store.labels import JudgeUse, LabelFilter
from cai_core.store.pairs import PairFilter

# What is missing comes as UNKNOWN, so that rows go into arrays one by one, never as a list of them.
UNKNOWN = -1.0
_SIDE = (
    f"CASE {{0}}.verdict WHEN 'a' THEN 1.0 WHEN 'tie' THEN 0.5 WHEN 'b' THEN 0.0 ELSE {UNKNOWN} END"
)
_OF_SETTING = f"""SELECT t.pair, t.label, coalesce(t.p, {UNKNOWN}), {_SIDE.format("t")} FROM standing t
    WHERE t.annotator = (
        SELECT id FROM annotators WHERE kind = 'judge' AND annotator = ? AND method = ?
            AND principles = ? AND template = ? AND constitution = ?)
    ORDER BY t.pair"""
# In SQLite the other columns of a row with max() are those of the row that has it.
_OF_FILTER = f"""SELECT pair, label, coalesce(p, {UNKNOWN}), {_SIDE.format("t")} FROM (
        SELECT t.pair, max(t.label) AS label, t.p, t.verdict FROM annotators n
            JOIN standing t ON t.annotator = n.id
        WHERE n.kind = 'judge' AND n.annotator = ? AND coalesce(n.method = ?, 1)
            AND coalesce(n.principles = ?, 1) AND coalesce(n.constitution = ?, 1)
        GROUP BY t.pair) t
    ORDER BY pair"""
_SAID = """SELECT p.seq, l.seq, l.annotator, l.verdict, coalesce(l.blind, 0),
        coalesce(json_extract(l.review, '$.first'), 0),
        coalesce(json_extract(l.review, '$.queue'), ''), substr(l.created, 1, 26)
    FROM labels l JOIN pairs p ON p.id = l.pair
    WHERE l.kind = 'person' AND NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id)
    ORDER BY l.seq"""
_DRAWN = """SELECT pair, queue, pi, created FROM draws WHERE scope = ? ORDER BY seq"""
_INCONSISTENT = "SELECT seq FROM labels WHERE inconsistent"
_PROMPTS = (
    """SELECT p.seq, p.prompt FROM json_each(?) wanted JOIN pairs p ON p.seq = wanted.value"""
)


def setting_key(use: JudgeUse) -> str:
    """Tells one judge setting from all others, in what is stored of it."""
    rule = use.constitution.hash if use.constitution else ""
    return content_hash([use.judge, use.method, use.principles, use.template, rule])


def newest(db: Database) -> tuple[int, ...]:
    """Changes whenever a pair, a label, an undo or a draw is added: whoever keeps what was read looks at it."""
    sql = "SELECT " + ", ".join(
        f"(SELECT coalesce(max(rowid), 0) FROM {table})"
        for table in ("pairs", "labels", "undos", "draws")
    )
    return tuple(db.conn.execute(sql).fetchone())


def judged(db: Database, use: JudgeUse) -> JudgedPairs:
    """The standing judgements under one judge setting."""
    rule = use.constitution.hash if use.constitution else ""
    given = [use.judge, use.method, use.principles, use.template, rule]
    return _judged(db, db.conn.execute(_OF_SETTING, given))


def judged_where(db: Database, where: LabelFilter) -> JudgedPairs:
    """The newest judgement of each pair by one annotator, under whatever else the filter sets."""
    given = [where.annotator, where.method, where.principles, where.constitution]
    return _judged(db, db.conn.execute(_OF_FILTER, [one or None for one in given]))


def _judged(db: Database, found: Iterable[tuple[Any, ...]]) -> JudgedPairs:
    rows = np.fromiter(found, dtype=[("pair", "i8"), ("label", "i8"), ("p", "f8"), ("side", "f8")])
    return JudgedPairs(
        pairs=rows["pair"].copy(),
        labels=rows["label"].copy(),
        p_a=_known(rows["p"]),
        sides=_known(rows["side"]),
        inconsistent=np.isin(rows["label"], _numbers(db.conn.execute(_INCONSISTENT))),
    )


def _known(values: FloatArray) -> FloatArray:
    known: FloatArray = np.where(values == UNKNOWN, np.nan, values)
    return known


def verdicts(db: Database) -> Verdicts:
    """Everything that people said and nobody took back."""
    found = db.conn.execute(_SAID).fetchall()
    numbers, labels, names, said, blind, first, queues, created = (
        zip(*found, strict=True) if found else ((),) * 8
    )
    people = dict.fromkeys(names)
    places = {name: at for at, name in enumerate(people)}
    seen = np.array(blind, dtype=np.bool_)
    return Verdicts(
        pairs=np.array(numbers, dtype=np.int64),
        labels=np.array(labels, dtype=np.int64),
        people=np.array([places[name] for name in names], dtype=np.int64),
        names=tuple(people),
        said=np.array(said, dtype=np.str_),
        sides=np.array([HUMAN_P.get(verdict) for verdict in said], dtype=np.float64),
        first_blind=seen & np.array(first, dtype=np.bool_),
        blind=seen,
        queues=np.array(queues, dtype=np.str_),
        times=np.array(created, dtype="datetime64[us]"),
    )


def draws(db: Database, scope: str = "") -> Draws:
    """The measured draws from all pairs, or from those of a scope."""
    found = db.conn.execute(_DRAWN, [scope]).fetchall()
    numbers, queues, pi, created = zip(*found, strict=True) if found else ((),) * 4
    return Draws(
        pairs=np.array(numbers, dtype=np.int64),
        queues=np.array(queues, dtype=np.str_),
        pi=np.array(pi, dtype=np.float64),
        there=np.array(_counted(created, _pairs_before(db)), dtype=np.int64),
    )


def votes_at(db: Database, labels: Sequence[int]) -> FloatArray:
    """(n, k) log-odds of the principles' votes on these labels, nan where one had none; k may be 0."""
    sql = """SELECT l.votes, l.vote_keys FROM json_each(?) wanted JOIN labels l ON l.seq = wanted.value
        ORDER BY wanted.key"""
    found = db.conn.execute(sql, [json.dumps([int(one) for one in labels])]).fetchall()
    known = dict(db.conn.execute("SELECT id, keys FROM vote_keys").fetchall())
    names = dict.fromkeys(name for _, keys in found if keys for name in json.loads(known[keys]))
    columns = {name: at for at, name in enumerate(names)}
    of_keys = {id_: [columns.get(k, -1) for k in json.loads(keys)] for id_, keys in known.items()}
    table = np.full((len(found), len(columns)), np.nan)
    for row, (votes, keys) in enumerate(found):
        if keys:
            table[row, of_keys[keys]] = logit(np.frombuffer(votes, "<f4"))
    return table


def offsets_at(db: Database, labels: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """The offset of these labels in log-odds, and 1 where the verdict flipped with the order: (n,) each.

    nan where a pair was asked in one order only.
    """
    sql = """SELECT l."offset", l.flipped FROM json_each(?) wanted JOIN labels l ON l.seq = wanted.value
        ORDER BY wanted.key"""
    found = db.conn.execute(sql, [json.dumps([int(one) for one in labels])]).fetchall()
    table = np.array(found, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def scopes(db: Database) -> dict[str, int]:
    """How many measured draws there are from all pairs ("") and from each narrower part of them."""
    sql = "SELECT scope, count(*) AS n FROM draws GROUP BY scope ORDER BY n DESC, scope"
    return dict(db.conn.execute(sql).fetchall())


def filter_of(scope: str) -> PairFilter:
    """The filter that a scope was stored from."""
    said = json.loads(scope) if scope else {}
    if said.get("sure"):
        said["sure"] = tuple(said["sure"])
    return PairFilter(**said)


def pairs_in(db: Database, scope: str) -> Numbers:
    """The numbers of all pairs of a scope, rising."""
    clause, params = pairs.clause_of(filter_of(scope))
    sql = f"SELECT s.pair FROM pair_states s WHERE {clause} ORDER BY s.pair"
    return _numbers(db.conn.execute(sql, params))


def numbers_of(db: Database, identities: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Pairs by their identity: each one's number, and the id of the text that is its first answer."""
    sql = (
        """SELECT p.identity, p.seq, p.a FROM json_each(?) j JOIN pairs p ON p.identity = j.value"""
    )
    found = db.conn.execute(sql, [json.dumps(list(identities))]).fetchall()
    return {identity: (seq, a) for identity, seq, a in found}


def _numbers(found: Iterable[tuple[int]]) -> Numbers:
    numbers: Numbers = np.fromiter(found, dtype=[("n", "i8")])["n"].copy()
    return numbers


def _counted(created: Sequence[str], before: Callable[[str], int]) -> list[int]:
    """`before` of each of these rising times; between two that have the same it is not asked."""
    counts = [0] * len(created)

    def fill(low: int, high: int, at_low: int, at_high: int) -> None:
        if at_low == at_high or high - low < 2:
            counts[low : high + 1] = [at_low] * (high - low) + [at_high]
            return
        middle = (low + high) // 2
        at_middle = before(created[middle])
        fill(low, middle, at_low, at_middle)
        fill(middle, high, at_middle, at_high)

    if created:
        fill(0, len(created) - 1, before(created[0]), before(created[-1]))
    return counts


def _pairs_before(db: Database) -> Callable[[str], int]:
    """How many pairs were there at a time; pairs are numbered in the order in which they came."""
    last = int(db.conn.execute("SELECT coalesce(max(seq), 0) FROM pairs").fetchone()[0])

    def came(seq: int) -> str:
        sql = "SELECT created FROM pairs WHERE seq >= ? LIMIT 1"
        return str(db.conn.execute(sql, [seq]).fetchone()[0])

    def before(time: str) -> int:
        low, high = 0, last
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if came(middle) <= time else (low, middle - 1)
        return low

    return before


def prompts(db: Database, numbers: Sequence[int]) -> dict[int, str]:
    """The prompt of each pair, as the id of its text."""
    return dict(db.conn.execute(_PROMPTS, [str(list(numbers))]).fetchall())
