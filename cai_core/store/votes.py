"""The votes of one judge setting as a table, read without making a label of every row.

A label keeps its votes as one float32 blob: ten thousand of them are decoded at once.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from cai_core.schema import DIFFERENCES, HUMAN_P, SAID, VoteTable, first_user_turn
from cai_core.stats import FloatArray, logit
from cai_core.store.labels import JudgeUse
from cai_core.store.texts import chat_of
from cai_core.text import answer_differences, in_locked_half

_Rows = list[tuple[Any, ...]]

_JUDGED = """SELECT p.id, p.prompt, p.split, l.p_raw, l.verdict, l.votes, l.vote_keys,
        CASE WHEN instr(l.extra, '"not_applicable"') THEN l.extra END
    FROM annotators n JOIN standing s ON s.annotator = n.id JOIN labels l ON l.seq = s.label
        JOIN pairs p ON p.seq = s.pair
    WHERE n.kind = 'judge' AND n.annotator = ? AND n.method = ? AND n.principles = ?
        AND n.template = ? AND n.constitution = ? ORDER BY s.pair"""
_SAID = """SELECT p.id, s.verdict, json_extract(l.review, '$.queue')
    FROM annotators n JOIN standing s ON s.annotator = n.id JOIN labels l ON l.seq = s.label
        JOIN pairs p ON p.seq = s.pair
    WHERE n.kind = 'person' AND l.blind AND s.verdict IN ('a', 'tie', 'b')
        AND json_extract(l.review, '$.first')"""
_ANSWERS = """SELECT p.id, length(a.text), length(b.text), substr(a.text, 1, 200), substr(b.text, 1, 200)
    FROM json_each(?) wanted CROSS JOIN pairs p ON p.id = wanted.value
    JOIN texts a ON a.id = p.a JOIN texts b ON b.id = p.b"""
_PROMPTS = "SELECT t.id, t.text FROM json_each(?) wanted CROSS JOIN texts t ON t.id = wanted.value"


def read(
    db: Database, use: JudgeUse, *, keys: Sequence[str] = (), answers: bool = True
) -> VoteTable:
    """The newest standing judgement of each pair under this setting, in the order of pairs.

    Args:
        keys: principles whose columns come first, in this order, whether they voted or not.
        answers: whether the answers are read too, for `differences`, which are nan otherwise.
    """
    rule = use.constitution.hash if use.constitution else ""
    given = [use.judge, use.method, use.principles, use.template, rule]
    judged = db.conn.execute(_JUDGED, given).fetchall()
    place = {row[0]: at for at, row in enumerate(judged)}
    columns = _columns(db, judged, keys)
    said = [one for one in db.conn.execute(_SAID) if one[0] in place]
    kept_out = _kept_out(db, judged, {pair for pair, *_ in said})
    people, queues = _people(said, place, kept_out)
    return VoteTable(
        pair_ids=tuple(place),
        keys=tuple(columns.names),
        logits=columns.logits(judged),
        not_applicable=columns.not_applicable(judged),
        p=np.array([row[3] for row in judged], dtype=np.float64),
        worth=np.array([HUMAN_P.get(row[4], math.nan) for row in judged], dtype=np.float64),
        people=people,
        differences=_differences(db, place, people if answers else people[:0]),
        prompts=_numbered([row[1] for row in judged]),
        splits=np.array([row[2] for row in judged], dtype=np.str_),
        kept_out=kept_out,
        queues=queues,
    )


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


class _Columns:
    """Which column each principle has; labels of one setting may have voted on different ones."""

    def __init__(self, names: Sequence[str], sets: dict[str, list[str]]) -> None:
        self.names = list(names)
        self.at = {name: column for column, name in enumerate(self.names)}
        self.of_set = {
            id_: np.array([self.at[k] for k in keys], np.int64) for id_, keys in sets.items()
        }

    def logits(self, judged: _Rows) -> FloatArray:
        """(n, k) log-odds; nan without a vote."""
        table = np.full((len(judged), len(self.names)), math.nan)
        there = [(row, one[5], self.of_set[one[6]]) for row, one in enumerate(judged) if one[6]]
        if there:
            rows = np.repeat([row for row, _, _ in there], [len(at) for _, _, at in there])
            columns = np.concatenate([at for _, _, at in there])
            table[rows, columns] = logit(np.frombuffer(b"".join(v for _, v, _ in there), "<f4"))
        return table

    def not_applicable(self, judged: _Rows) -> NDArray[np.bool_]:
        """(n, k) whether the judge said that the principle does not apply."""
        table = np.zeros((len(judged), len(self.names)), dtype=bool)
        for row, one in enumerate(judged):
            if one[7]:
                table[row, [self.at[key] for key in _apart(one)]] = True
        return table


def _apart(row: tuple[Any, ...]) -> list[str]:
    return list(json.loads(row[7]).get("not_applicable", ()))


def _columns(db: Database, judged: _Rows, keys: Sequence[str]) -> _Columns:
    ids = dict.fromkeys(row[6] for row in judged if row[6])
    known = dict(db.conn.execute("SELECT id, keys FROM vote_keys").fetchall()) if ids else {}
    sets = {id_: json.loads(known[id_]) for id_ in ids}
    voted = (key for names in sets.values() for key in names)
    apart = (key for row in judged if row[7] for key in _apart(row))
    return _Columns(list(dict.fromkeys([*keys, *voted, *apart])), sets)


def _kept_out(db: Database, judged: _Rows, read: set[str]) -> NDArray[np.bool_]:
    """(n,) whether people read the pair and its prompt is of the locked half."""
    prompts = json.dumps(list({row[1] for row in judged if row[0] in read}))
    texts = db.conn.execute(_PROMPTS, [prompts])
    locked = {id_ for id_, text in texts if in_locked_half(first_user_turn(chat_of(text)))}
    return np.array([row[0] in read and row[1] in locked for row in judged], dtype=bool)


def _people(
    said: _Rows, place: dict[str, int], kept_out: NDArray[np.bool_]
) -> tuple[FloatArray, dict[str, int]]:
    """(n, 3) how often first blind verdicts said a, tie, b; and how many came from which queue."""
    counts = np.zeros((len(place), len(SAID)))
    queues: Counter[str] = Counter()
    column = {verdict: at for at, verdict in enumerate(SAID)}
    for pair, verdict, queue in said:
        if not kept_out[place[pair]]:
            counts[place[pair], column[verdict]] += 1
            queues[queue or ""] += 1
    return counts, dict(queues)


def _differences(db: Database, place: dict[str, int], people: FloatArray) -> FloatArray:
    """(n, 2) how the answers differ, of pairs that people read; nan of the others."""
    found = np.full((len(place), len(DIFFERENCES)), math.nan)
    read = people.sum(axis=1) > 0
    wanted = json.dumps([pair for pair, one in zip(place, read, strict=False) if one])
    for pair, long_a, long_b, start_a, start_b in db.conn.execute(_ANSWERS, [wanted]):
        found[place[pair]] = answer_differences(start_a, start_b, lengths=(long_a, long_b))
    return found
