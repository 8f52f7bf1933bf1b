"""Pairs: a prompt with two answers. One that is seen again keeps its first orientation and its id."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count as count_from
from typing import Any, Literal

from sqlite_utils import Database

from cai_core.errors import NotFoundError
from cai_core.schema import Pair, Row, Split, content_hash
from cai_core.store import states, texts, words
from cai_core.store.database import first, from_json, marks, now, rows, to_json, write_tx

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
        text: every word stands in the prompt or an answer, in any case; the last one may go on.
        judged: a standing judgement without a failure is there. judge, constitution, verdict and sure
            narrow that to one of this judge, under this constitution's hash, with this verdict, with
            P(its verdict) in this range.
        inconsistent: a judge's two orders disagree. disputed: people disagree and nobody decided.
        contested: two of the judges and people name different sides.
        seen_by: a standing verdict of this person is there. not_seen_by: none is.
        reviewed: any person's standing verdict is there.
    """

    text: str = ""
    split: Split | None = None
    source: str = ""
    job: str = ""
    judged: bool | None = None
    judge: str = ""
    constitution: str = ""
    verdict: str = ""
    sure: tuple[float, float] | None = None
    inconsistent: bool | None = None
    disputed: bool | None = None
    contested: bool | None = None
    reviewed: bool | None = None
    seen_by: str = ""
    not_seen_by: str = ""

    @property
    def narrows_judgement(self) -> bool:
        return bool(self.judge or self.constitution or self.verdict or self.sure)


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
    with write_tx(db):
        kept = keep(db, list(pairs), source=source, job=job, split=split)
    return Added(tuple(one.id for one in kept), sum(one.new for one in kept))


@dataclass(frozen=True)
class Kept:
    """A pair as it is stored: `turned` where its answers stand the other way round than given."""

    seq: int
    pair: Pair
    turned: bool
    new: bool

    @property
    def id(self) -> str:
        return self.pair.id


def keep(
    db: Database,
    given: Sequence[Pair],
    *,
    source: str = "",
    job: str = "",
    split: Split | None = None,
) -> list[Kept]:
    """Store pairs or find them, a few statements for all; inside a transaction."""
    identities = [pair.identity for pair in given]
    found = _stored_under(db, identities)
    first_of = dict(zip(reversed(identities), reversed(given), strict=True))
    new = {key: first_of[key] for key in dict.fromkeys(identities) if key not in found}
    if new:
        _insert(db, new, source=source, job=job, split=split)
        found |= _stored_under(db, list(new))
    begun = set(new)
    kept = []
    for identity, pair in zip(identities, given, strict=True):
        kept.append(_kept(pair, found[identity], new=identity in begun))
        begun.discard(identity)
    return kept


_Found = tuple[int, str, str, str]  # seq, id, answer a's id, extra


def _stored_under(db: Database, identities: Sequence[str]) -> dict[str, _Found]:
    sql = """SELECT p.identity, p.seq, p.id, p.a, p.extra FROM json_each(?) j
        CROSS JOIN pairs p ON p.identity = j.value"""
    return {row[0]: row[1:] for row in db.conn.execute(sql, [json.dumps(identities)])}


def _kept(pair: Pair, found: _Found, *, new: bool) -> Kept:
    seq, key, a, extra = found
    turned = not new and content_hash(pair.response_a) != a
    there = pair.swapped() if turned else pair
    there = replace(there, id=key, extra=from_json(extra), label=None, annotator="")
    return Kept(seq, there, turned=turned, new=new)


def _insert(
    db: Database, new: Mapping[str, Pair], *, source: str, job: str, split: Split | None
) -> None:
    """Store pairs by identity, give them a state and make them searchable."""
    chats = [pair.prompt for pair in new.values()]
    prompts = texts.keep_chats(db, chats)
    a = texts.keep_all(db, [pair.response_a for pair in new.values()])
    b = texts.keep_all(db, [pair.response_b for pair in new.values()])
    splits = texts.splits_for(db, chats, given=split)
    ids = _free_ids(db, new)
    created, seqs = now(), _next_seq(db)
    rows = [
        (seq, ids[identity], identity, *where, source, job, to_json(pair.extra), created)
        for seq, (identity, pair), where in zip(
            count_from(seqs), new.items(), zip(prompts, a, b, splits, strict=True), strict=False
        )
    ]
    db.conn.executemany(f"INSERT INTO pairs VALUES ({marks(rows[0])})", rows)
    states.add_pairs(
        db,
        [
            (row[0], pair.prompt, pair.response_a, pair.response_b)
            for row, pair in zip(rows, new.values(), strict=True)
        ],
    )


def _next_seq(db: Database) -> int:
    return int(db.conn.execute("SELECT coalesce(max(seq), 0) + 1 FROM pairs").fetchone()[0])


def _free_ids(db: Database, new: Mapping[str, Pair]) -> dict[str, str]:
    """The id of each new pair: its own, or where other content has that id its identity, or a hash of it."""
    wanted = json.dumps([key for identity, pair in new.items() for key in (pair.id, identity)])
    sql = "SELECT p.id FROM json_each(?) j CROSS JOIN pairs p ON p.id = j.value"
    taken = {row[0] for row in db.conn.execute(sql, [wanted])}
    ids = {}
    for identity, pair in new.items():
        offered = (pair.id, identity, content_hash([identity]))
        ids[identity] = next(key for key in offered if key not in taken)
        taken.add(ids[identity])
    return ids


def get(db: Database, pair_id: str) -> StoredPair:
    row = first(db, f"SELECT {COLUMNS} FROM pairs p {TEXTS} WHERE p.id = ?", [pair_id])
    if row is None:
        raise NotFoundError(f"there is no pair with the id '{pair_id}'")
    return stored_pair(row)


def stored(db: Database, pair: Pair) -> StoredPair | None:
    """The pair with this prompt and these two answers, in its first orientation, if it is there."""
    there = first(db, "SELECT id FROM pairs WHERE identity = ?", [pair.identity])
    return get(db, there["id"]) if there else None


def find(
    db: Database,
    where: PairFilter | None = None,
    *,
    order: Literal["newest", "oldest"] = "oldest",
    limit: int | None = None,
    offset: int = 0,
) -> list[StoredPair]:
    """Pairs that pass the filter."""
    clause, params = clause_of(where or PairFilter())
    direction = "DESC" if order == "newest" else "ASC"
    sql = f"""SELECT {COLUMNS} FROM (SELECT s.pair FROM pair_states s WHERE {clause}
            ORDER BY s.pair {direction} LIMIT ? OFFSET ?) s JOIN pairs p ON p.seq = s.pair {TEXTS}
        ORDER BY p.seq {direction}"""
    found = rows(db, sql, [*params, -1 if limit is None else limit, offset])
    return [stored_pair(row) for row in found]


def count(db: Database, where: PairFilter | None = None, *, most: int | None = None) -> int:
    """How many pass the filter; counting ends at `most`, where one more says "or more"."""
    clause, params = clause_of(where or PairFilter())
    sql = f"SELECT count(*) FROM (SELECT 1 FROM pair_states s WHERE {clause} LIMIT ?)"
    return int(db.conn.execute(sql, [*params, -1 if most is None else most]).fetchone()[0])


def many(db: Database, ids: Sequence[str]) -> dict[str, StoredPair]:
    """Stored pairs by id; ids that are not there are left out."""
    found: dict[str, StoredPair] = {}
    for start in range(0, len(ids), 500):
        part = list(ids[start : start + 500])
        sql = f"SELECT {COLUMNS} FROM pairs p {TEXTS} WHERE p.id IN ({marks(part)})"
        found |= {row["pair_id"]: stored_pair(row) for row in rows(db, sql, part)}
    return found


def by_seq(db: Database, seqs: Sequence[int]) -> dict[int, StoredPair]:
    """Stored pairs by their number in the order of pairs."""
    sql = f"SELECT p.seq, {COLUMNS} FROM pairs p {TEXTS} WHERE p.seq IN ({marks(seqs)})"
    return {row["seq"]: stored_pair(row) for row in rows(db, sql, list(seqs))}


def sources(db: Database) -> list[str]:
    """The sources that pairs name, by name."""
    return [row["source"] for row in rows(db, "SELECT DISTINCT source FROM pairs ORDER BY source")]


_FLAGS = {"judged": "judged", "reviewed": "readers", "inconsistent": "inconsistent"} | {
    name: name for name in ("disputed", "contested")
}
_SEEN = """s.readers > 0 AND s.pair IN (SELECT t.pair FROM standing t JOIN annotators n
    ON n.id = t.annotator WHERE n.kind = 'person' AND n.annotator = ?)"""
_JUDGED = """s.pair IN (SELECT t.pair FROM standing t JOIN annotators n ON n.id = t.annotator
    WHERE n.kind = 'judge' AND t.verdict IS NOT NULL{narrower})"""


def clause_of(where: PairFilter) -> tuple[str, list[Any]]:
    """The condition on `pair_states s`, and its parameters."""
    parts, params = ["1"], list[Any]()

    def need(sql: str, *values: Any) -> None:
        parts.append(sql)
        params.extend(values)

    if where.text:
        query = words.match(where.text)
        need(
            "s.pair IN (SELECT rowid FROM pair_words WHERE pair_words MATCH ?)" if query else "0",
            *([query] if query else []),
        )
    for column in ("split", "source", "job"):
        if getattr(where, column):
            need(f"s.{column} = ?", getattr(where, column))
    for name, column in _FLAGS.items():
        if name == "judged" and where.narrows_judgement:
            continue  # one judgement must be all of that, below
        if (wanted := getattr(where, name)) is not None:
            need(f"s.{column} > 0" if wanted else f"s.{column} = 0")
    if where.narrows_judgement:
        _need_judgement(where, need)
    if where.seen_by:
        need(_SEEN, where.seen_by)
    if where.not_seen_by:
        need(f"NOT ({_SEEN})", where.not_seen_by)
    return " AND ".join(parts), params


def _need_judgement(where: PairFilter, need: Callable[..., None]) -> None:
    """What one standing judgement must say: whose, under which constitution, which verdict, how sure."""
    narrower, values = "", list[Any]()
    if where.judge:
        narrower, values = " AND n.annotator = ?", [where.judge]
    if where.constitution:
        narrower, values = f"{narrower} AND n.constitution = ?", [*values, where.constitution]
    if where.verdict:
        narrower, values = f"{narrower} AND t.verdict = ?", [*values, where.verdict]
    if where.sure is not None:
        narrower += " AND max(t.p, 1 - t.p) BETWEEN ? AND ?"
        values += where.sure
    need(("NOT " if where.judged is False else "") + _JUDGED.format(narrower=narrower), *values)


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
