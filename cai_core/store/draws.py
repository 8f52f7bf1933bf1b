"""Which pairs come up for a reviewer: drawn at random, with the probability kept, and leased.

    even           every pair alike
    useful         likelier, the more a review would tell (`cai_core.usefulness`), never ranked
    disagreements  pairs on which two of the judges and people name different sides
    filter         pairs that pass a filter, a search among them
    adjudication   pairs on which people disagree; the verdict ends it
    again          pairs whose verdicts are asked for again
    guided         the same few pairs for everybody who begins

The first two draw from all pairs that none of their draws has brought up yet, so that together they are
one sequence of draws, and what it measures holds for all pairs. The others measure nothing for all.
One pair in ten goes to two people, and three in a hundred come back to the same person.
"""

import datetime
import json
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from sqlite_utils import Database

from cai_core.schema import Review, content_hash
from cai_core.store import pairs, states
from cai_core.store.database import insert, now, write_tx
from cai_core.store.pairs import PairFilter, StoredPair
from cai_core.store.states import MEASURING
from cai_core.usefulness import chance_of_level

QueueName = Literal["even", "useful", "disagreements", "filter", "adjudication", "again", "guided"]
QUEUES: tuple[QueueName, ...] = get_args(QueueName)
LEASE_MINUTES = 20
# How often a second reader's pair is looked for: a little more than there are of them.
SECOND = 0.12
BETWEEN = 20  # verdicts of a person before a pair comes back to them


@dataclass(frozen=True)
class Queue:
    """A queue, and the pairs that it draws from: those that pass `where`, of `pairs` where given."""

    name: QueueName = "even"
    where: PairFilter = field(default_factory=PairFilter)
    pairs: tuple[str, ...] | None = None

    @property
    def measures(self) -> bool:
        return self.name in MEASURING

    @property
    def scope(self) -> str:
        """The pairs that its draws measure, as stored beside them: "" for all."""
        if not self.measures or self.where == PairFilter():
            return ""
        said = {key: value for key, value in asdict(self.where).items() if value not in ("", None)}
        return json.dumps(said, sort_keys=True)

    @property
    def key(self) -> str:
        """Tells the leases of one queue from those of another; the pairs to ask again for shrink."""
        pairs = None if self.name == "again" else self.pairs
        return content_hash([self.name, asdict(self.where), pairs])


@dataclass(frozen=True)
class Lease:
    """A pair that is one person's to judge for a while.

    `pi` is the chance of the pair at its draw, scaled to all pairs of the queue: 1 / their number under
    "even". It is None where the pair was not drawn. `again`: this person judged it before.
    """

    pair: StoredPair
    queue: QueueName
    pi: float | None
    again: bool


def lease(
    db: Database,
    person: str,
    queue: Queue,
    *,
    n: int = 5,
    chance: random.Random | None = None,
    clock: Callable[[], str] = now,
) -> list[Lease]:
    """The person's next pairs: those they hold already, then new draws, up to n.

    What they held out of another queue goes back. Every lease is renewed.
    """
    drawing = _Drawing(db, person, queue, chance or random.Random())
    with write_tx(db):
        db.conn.execute("DELETE FROM leases WHERE until < ?", [clock()])
        db.conn.execute("DELETE FROM leases WHERE person = ? AND asked != ?", [person, queue.key])
        drawing.fill(n)
        db.conn.execute("UPDATE leases SET until = ? WHERE person = ?", [_until(clock()), person])
        sql = "SELECT pair, queue, pi, again FROM leases WHERE person = ? ORDER BY seq"
        held = db.conn.execute(sql, [person]).fetchall()
        found = pairs.by_seq(db, [row[0] for row in held])
    return [Lease(found[pair], name, pi, bool(again)) for pair, name, pi, again in held]


def _until(at: str) -> str:
    """When a lease that begins or is renewed now ends."""
    end = datetime.datetime.fromisoformat(at) + datetime.timedelta(minutes=LEASE_MINUTES)
    return end.isoformat(timespec="microseconds")


def lease_back(db: Database, person: str, pair: str, *, queue: Queue, review: Review) -> bool:
    """Lease a pair whose verdict was taken back, as it was drawn then; not one that was opened by hand,
    nor one that somebody else holds. Whether it is leased. Call it inside a transaction.
    """
    if review.queue not in QUEUES:
        return False
    [seq] = db.conn.execute("SELECT seq FROM pairs WHERE id = ?", [pair]).fetchone()
    row = {
        "pair": seq,
        "person": person,
        "asked": queue.key,
        "queue": review.queue,
        "scope": review.scope,
    }
    row |= {"pi": review.pi, "again": False, "until": _until(now())}
    return insert(db, "leases", row, seen="IGNORE")


def left(db: Database, person: str, queue: Queue, *, most: int) -> int:
    """How many pairs this person has still to read in a queue; counting ends at `most`."""
    drawing = _Drawing(db, person, queue, random.Random())
    return min(most, drawing.held() + drawing.to_ask(most))


def release(db: Database, person: str) -> None:
    """Give back what this person holds: the pairs can come up for others at once."""
    with write_tx(db):
        db.conn.execute("DELETE FROM leases WHERE person = ?", [person])


_FREE = "s.pair NOT IN (SELECT pair FROM leases)"
_MINE = """EXISTS (SELECT 1 FROM standing t JOIN annotators n ON n.id = t.annotator
    WHERE t.pair = s.pair AND n.kind = 'person' AND n.annotator = ?)"""
# This person was asked to decide it, and skipped it.
_LEFT = f"""EXISTS (SELECT 1 FROM standing t JOIN annotators n ON n.id = t.annotator
    JOIN labels l ON l.seq = t.label WHERE t.pair = s.pair AND n.kind = 'person' AND n.annotator = ?
        AND json_extract(l.review, '$.queue') = '{states.ADJUDICATION}')"""
_UNSEEN = f"(s.readers = 0 OR NOT {_MINE})"
_UNDRAWN = "s.pair NOT IN (SELECT pair FROM draws WHERE scope = ?)"
_COMES_BACK = f"""SELECT s.pair FROM repeats r JOIN pair_states s ON s.pair = r.pair
    WHERE r.person = ? AND {_FREE} AND {{clause}}
        AND (SELECT count(*) FROM (SELECT 1 FROM labels l WHERE l.kind = 'person' AND l.annotator = ?
            AND l.seq > r.label LIMIT ?)) = ?
    ORDER BY r.label LIMIT 1"""
_SECOND = f"""SELECT s.pair, (SELECT d.pi FROM draws d WHERE d.pair = s.pair AND d.scope = ?)
    FROM pair_states s WHERE s.twice = 1 AND s.readers = 1 AND {_FREE} AND NOT {_MINE} AND {{clause}}
    LIMIT 1"""
_FIRST_BLIND = """SELECT l.id FROM pairs p JOIN labels l ON l.pair = p.id WHERE p.seq = ?
        AND l.kind = 'person' AND l.blind AND json_extract(l.review, '$.first')
        AND NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id)
    ORDER BY l.seq LIMIT 1"""


@dataclass(frozen=True)
class _Drawing:
    """What `lease` does for one person, inside its transaction."""

    db: Database
    person: str
    queue: Queue
    chance: random.Random

    def _rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return list(self.db.conn.execute(sql, params).fetchall())

    def held(self) -> int:
        return int(self._rows("SELECT count(*) FROM leases WHERE person = ?", self.person)[0][0])

    def fill(self, n: int) -> None:
        """Lease pairs until this person holds n, or there are no more.

        Each is tried as one that comes back, then as a second reader's: the shares of both are the
        same however many are missing.
        """
        missing = n - self.held()
        if self.queue.measures:
            tried = range(missing)
            missing -= sum(self._comes_back() or self._second_reader() for _ in tried)
        if missing > 0 and self.queue.measures:
            self._draw_measuring(missing)
        elif missing > 0:
            self._draw_evenly(missing)

    def to_ask(self, most: int) -> int:
        """How many may come up and are not credited without being asked for."""
        clause, params = self._candidates()
        clause += " AND s.blind = 0" if self.queue.measures else ""
        sql = f"SELECT count(*) FROM (SELECT 1 FROM pair_states s WHERE {clause} LIMIT ?)"
        return int(self._rows(sql, *params, most)[0][0])

    def _draw_evenly(self, n: int) -> None:
        clause, params = self._candidates()
        there = [
            row[0]
            for row in self._rows(f"SELECT s.pair FROM pair_states s WHERE {clause}", *params)
        ]
        for pair in self.chance.sample(there, min(n, len(there))):
            self._take(pair, 1 / len(there))

    def _draw_measuring(self, n: int) -> None:
        """Draw pair after pair without putting any back; what was read blind before is credited."""
        clause, params = self._candidates()
        sql = f"SELECT s.level, count(*) FROM pair_states s WHERE {clause} GROUP BY s.level"
        left = dict(self._rows(sql, *params))
        everything = pairs.count(self.db, self.queue.where)
        one = f"SELECT s.pair, s.blind FROM pair_states s WHERE {clause} AND s.level = ? LIMIT 1 OFFSET ?"
        while n and sum(left.values()):
            weights = {level: many * self._weight(level) for level, many in left.items()}
            [level] = self.chance.choices(list(weights), list(weights.values()))
            place = self.chance.randrange(left[level])
            pair, blind = self._rows(one, *params, level, place)[0]
            share = self._weight(level) / sum(weights.values())
            pi = share * sum(left.values()) / everything
            left[level] -= 1
            if blind:
                self._credit(pair, pi)
            else:
                n -= self._take(pair, pi)

    def _credit(self, pair: int, pi: float) -> None:
        """A narrower queue brought the pair up before: this draw counts, and nobody is asked again."""
        label = self._rows(_FIRST_BLIND, pair)[0][0]
        note_draw(self.db, self.queue.scope, pair, queue=self.queue.name, pi=pi, label=label)

    def _take(self, pair: int, pi: float | None, *, again: bool = False) -> bool:
        row = {"pair": pair, "person": self.person, "asked": self.queue.key, "until": ""}
        row |= {"queue": self.queue.name, "scope": self.queue.scope, "pi": pi, "again": again}
        return insert(self.db, "leases", row)

    def _comes_back(self) -> bool:
        clause, params = pairs.clause_of(self.queue.where)
        sql, since = _COMES_BACK.format(clause=clause), (self.person, BETWEEN, BETWEEN)
        found = self._rows(sql, self.person, *params, *since)
        return bool(found) and self._take(found[0][0], None, again=True)

    def _second_reader(self) -> bool:
        if self.chance.random() > SECOND:
            return False
        clause, params = pairs.clause_of(self.queue.where)
        sql, scope = _SECOND.format(clause=clause), self.queue.scope
        found = self._rows(sql, scope, self.person, *params)
        return bool(found) and self._take(*found[0])

    def _weight(self, level: int) -> float:
        return chance_of_level(level) if self.queue.name == "useful" else 1.0

    def _candidates(self) -> tuple[str, list[Any]]:
        """The condition on pairs that may come up now."""
        clause, params = pairs.clause_of(self.queue.where)
        parts, values = [_FREE, clause], [*params]
        if self.queue.measures:
            scope = self.queue.scope
            parts.append(_UNDRAWN if scope else "s.drawn = 0")
            values += [scope] if scope else []
        if self.queue.name == "disagreements":
            parts.append("s.contested > 0")
        if self.queue.name == "adjudication":
            parts.append(f"s.disputed > 0 AND NOT {_LEFT}")
            values.append(self.person)
        if self.queue.pairs is not None:
            parts.append(
                "s.pair IN (SELECT p.seq FROM json_each(?) j CROSS JOIN pairs p ON p.id = j.value)"
            )
            values.append(json.dumps(self.queue.pairs))
        if self.queue.name not in ("adjudication", "again"):
            parts.append(f"(s.blind > 0 OR {_UNSEEN})" if self.queue.measures else _UNSEEN)
            values.append(self.person)
        return " AND ".join(parts), values


def note_draw(db: Database, scope: str, pair: int, *, queue: str, pi: float, label: str) -> None:
    """Append a draw that measures: the pair came up with this chance, and this is its first blind verdict."""
    row = {"scope": scope, "pair": pair, "queue": queue, "pi": pi, "label": label, "created": now()}
    insert(db, "draws", row, seen="IGNORE")
    if not scope:
        db.conn.execute("UPDATE pair_states SET drawn = 1 WHERE pair = ?", [pair])
