"""A person's verdicts as they come from a screen: each key press is stored once, whatever comes twice."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.schema import VERDICTS, ConstitutionRef, Review, Verdict, content_hash
from cai_core.store import draws, labels, pairs
from cai_core.store.database import first, insert, write_tx
from cai_core.store.labels import LabelFilter, StoredLabel
from cai_core.store.states import MEASURING

REPEATED = 8  # of 256 pairs come back to the person who judged them: three in a hundred


@dataclass(frozen=True)
class Press:
    """One verdict given on a screen.

    Args:
        client: the browser tab. number: counts its presses; both together tell one that is sent twice.
        verdict: on the pair's own sides, not on those shown. shown: which answer stood first.
        blind: no judgement of this pair was shown before.
    """

    client: str
    number: int
    pair: str
    verdict: Verdict
    shown: Literal["ab", "ba", ""] = ""
    blind: bool = True
    clear: bool = False
    reasons: Sequence[str] = ()
    note: str = ""


def give(db: Database, press: Press, *, person: str, under: ConstitutionRef | None = None) -> str:
    """Store a verdict with how its pair came up; the id of its label, the same one when sent again.

    A pair that is leased to this person brings its queue and chance; any other pair was opened by hand,
    which measures nothing.

    Args:
        under: the constitution that was beside the pair.
    Raises:
        DataError: no such verdict, or no name. NotFoundError: no such pair.
    """
    if press.verdict not in VERDICTS:
        raise DataError(f"a verdict is one of {', '.join(VERDICTS)}, not '{press.verdict}'")
    with write_tx(db):
        if (there := event_of(db, press.client, press.number)) is not None:
            return there
        pair = pairs.get(db, press.pair).pair
        held = _lease(db, press.pair, person)
        review = _review(press, held, person, under.version if under else None)
        label = labels.verdict_label(pair, press.verdict, review=review)
        key = labels.add(db, replace(label, constitution=under))
        if held is not None:
            _settle(db, held, labels.get(db, key))
        take(db, press.client, press.number, event=key)
    return key


def _review(press: Press, held: "_Held | None", person: str, version: int | None) -> Review:
    return Review(
        blind=press.blind,
        queue=held.queue if held else "opened",
        pi=held.pi if held else None,
        reviewer=person,
        constitution_version=version,
        first=True,  # the store knows whether it is
        clear=press.clear,
        reasons=tuple(press.reasons),
        note=press.note,
        shown=press.shown,
        scope=held.scope if held else "",
    )


@dataclass(frozen=True)
class _Held:
    pair: int
    queue: draws.QueueName
    scope: str
    pi: float | None


def _lease(db: Database, pair: str, person: str) -> _Held | None:
    sql = """SELECT l.pair, l.queue, l.scope, l.pi FROM leases l JOIN pairs p ON p.seq = l.pair
        WHERE p.id = ? AND l.person = ?"""
    row = first(db, sql, [pair, person])
    return _Held(**row) if row else None


def _settle(db: Database, held: _Held, given: StoredLabel) -> None:
    """End the lease; some pairs are to come back to who judged them."""
    person, review = given.label.annotator, given.label.review
    db.conn.execute("DELETE FROM leases WHERE pair = ?", [held.pair])
    db.conn.execute("DELETE FROM repeats WHERE person = ? AND pair = ?", [person, held.pair])
    if held.queue not in MEASURING or review is None or not review.first:
        return
    if int(content_hash([given.pair_id, person])[:2], 16) < REPEATED:
        row = {"person": person, "pair": held.pair, "label": given.seq}
        insert(db, "repeats", row, seen="IGNORE")


def undo_last(
    db: Database, *, person: str, client: str, number: int, queue: draws.Queue | None = None
) -> str | None:
    """Take back this person's newest standing verdict; the pair that it was about, None without any.

    Undone again and again it goes back as far as there are verdicts. With the queue that is read now
    the pair is leased again, and its next verdict says how it had come up.
    """
    with write_tx(db):
        if (there := event_of(db, client, number)) is not None:
            return there or None
        last = labels.last_of(db, person)
        if last is not None:
            labels.undo(db, last.id, who=person)
            if queue is not None and last.label.review is not None:
                draws.lease_back(db, person, last.pair_id, queue=queue, review=last.label.review)
        take(db, client, number, event=last.pair_id if last else "")
    return last.pair_id if last else None


def event_of(db: Database, client: str, number: int) -> str | None:
    """What a press led to, where it is stored."""
    sql = "SELECT event FROM keys_taken WHERE client = ? AND number = ?"
    row = first(db, sql, [client, number])
    return row["event"] if row else None


def take(db: Database, client: str, number: int, *, event: str) -> None:
    """Remember that this press is stored."""
    insert(db, "keys_taken", {"client": client, "number": number, "event": event})


def given_since(db: Database, person: str, since: str) -> dict[str, int]:
    """How many standing verdicts this person gave from a time on, by queue."""
    sql = """SELECT coalesce(json_extract(l.review, '$.queue'), ''), count(*) FROM labels l
        WHERE l.kind = 'person' AND l.annotator = ? AND l.created >= ?
            AND NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id)
        GROUP BY 1"""
    return dict(db.conn.execute(sql, [person, since]).fetchall())


def pairs_under(db: Database, hashes: Sequence[str], numbers: Sequence[int]) -> tuple[str, ...]:
    """Pairs with a person's standing verdict that was given under one of these versions, oldest first.

    Args:
        hashes: of versions. numbers: of the same versions, for verdicts that kept nothing else.
    """
    sql = """SELECT p.id FROM annotators n JOIN standing s ON s.annotator = n.id
            JOIN labels l ON l.seq = s.label JOIN pairs p ON p.seq = s.pair
        WHERE n.kind = 'person' AND iif(l.constitution_hash IS NULL,
            json_extract(l.review, '$.constitution_version') IN (SELECT value FROM json_each(?)),
            l.constitution_hash IN (SELECT value FROM json_each(?)))
        GROUP BY p.id ORDER BY min(l.seq)"""
    given = [json.dumps(sorted(numbers)), json.dumps(sorted(hashes))]
    return tuple(row[0] for row in db.conn.execute(sql, given))


def beside_judge(
    db: Database, person: str, judge: LabelFilter, queues: Collection[str]
) -> list[tuple[str, str | None]]:
    """This person's first blind verdicts that stand, each with what this judge says of the pair.

    Args:
        judge: annotator, method, principles and constitution. queues: only verdicts given in these.
    """
    sql = """SELECT s.verdict, (SELECT js.verdict FROM standing js
                JOIN annotators j ON j.id = js.annotator
            WHERE js.pair = s.pair AND j.kind = 'judge' AND j.annotator = ? AND j.method = ?
                AND j.principles = ? AND j.constitution = ? ORDER BY js.label DESC LIMIT 1)
        FROM annotators n JOIN standing s ON s.annotator = n.id JOIN labels l ON l.seq = s.label
        WHERE n.kind = 'person' AND n.annotator = ? AND l.blind AND json_extract(l.review, '$.first')
            AND json_extract(l.review, '$.queue') IN (SELECT value FROM json_each(?))"""
    asked = [judge.annotator, judge.method, judge.principles, judge.constitution]
    return db.conn.execute(sql, [*asked, person, json.dumps(sorted(queues))]).fetchall()


def last_number(db: Database, client: str) -> int:
    """The highest number that is stored of a tab; 0 where none is."""
    sql = "SELECT max(number) FROM keys_taken WHERE client = ?"
    return int(db.conn.execute(sql, [client]).fetchone()[0] or 0)
