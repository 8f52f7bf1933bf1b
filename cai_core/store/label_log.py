"""Appending labels to the log, many with a few statements, and what has to be kept beside them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.schema import Label, canonical_json, content_hash, setting_of
from cai_core.store import label_rows, pairs, states
from cai_core.store.database import marks, now
from cai_core.store.label_rows import turned
from cai_core.store.states import MEASURING


def append(
    db: Database, given: Sequence[Label], *, job: str, source: str
) -> list[tuple[str, bool]]:
    """Append labels and their pairs; of each the id of its event, and whether it is new."""
    for label in given:
        _check(label)
    kept = pairs.keep(db, [label.pair for label in given], source=source, job=job)
    there = [
        replace(turned(label) if one.turned else label, pair=one.pair)
        for label, one in zip(given, kept, strict=True)
    ]
    created = now()
    ids = [_event_id(label, job, created) for label in there]
    stored = _stored_of(db, ids)
    new: dict[str, Label] = {}
    for key, label in zip(ids, there, strict=True):
        if key not in stored:
            new.setdefault(key, label)
    _insert(db, new, job=job, created=created)
    _note_draws(db, new)
    states.refresh(db, [one.seq for one, key in zip(kept, ids, strict=True) if key in new])
    return [(key, new.pop(key, None) is not None) for key in ids]


def _event_id(label: Label, job: str, created: str) -> str:
    """Of a job's row by its content, so that it comes in once; of other labels by who, what and when."""
    if job:
        row = canonical_json(label.to_row())
        return content_hash({"row": row, "job": job, "created": ""})
    who = [label.kind, label.annotator, setting_of(label)]
    return content_hash([label.pair.id, *who, label.verdict, label.p_a, created])


def _stored_of(db: Database, ids: Sequence[str]) -> set[str]:
    sql = "SELECT l.id FROM json_each(?) j CROSS JOIN labels l ON l.id = j.value"
    return {row[0] for row in db.conn.execute(sql, [json.dumps(ids)])}


def _note_draws(db: Database, new: Mapping[str, Label]) -> None:
    """Keep what measures: first blind verdicts on pairs that came up with a known chance."""
    rows = [
        (label.review.scope, label.review.queue, label.review.pi, key)
        for key, label in new.items()
        if label.review
        and label.review.queue in MEASURING
        and label.review.blind
        and label.review.pi
    ]
    if not rows:
        return
    db.conn.executemany(_DRAWN, rows)
    whole = json.dumps([new[row[3]].pair.id for row in rows if not row[0]])
    db.conn.execute(_MARK_DRAWN, [whole])


_DRAWN = """INSERT OR IGNORE INTO draws (scope, pair, queue, pi, label, created)
    SELECT ?, p.seq, ?, ?, l.id, l.created FROM labels l JOIN pairs p ON p.id = l.pair
    WHERE l.id = ? AND json_extract(l.review, '$.first')"""
_MARK_DRAWN = """UPDATE pair_states SET drawn = 1
    WHERE pair IN (SELECT p.seq FROM json_each(?) j CROSS JOIN pairs p ON p.id = j.value)
        AND EXISTS (SELECT 1 FROM draws d WHERE d.pair = pair_states.pair AND d.scope = '')"""


def _insert(db: Database, new: Mapping[str, Label], *, job: str, created: str) -> None:
    if not new:
        return
    keys = label_rows.keep_keys(db, new.values())
    rows = [
        {"id": key, "pair": label.pair.id, "job": job, "created": created}
        | label_rows.columns(label, keys)
        for key, label in zip(new, _first_or_not(db, new.values()), strict=True)
    ]
    names = ", ".join(f'"{name}"' for name in rows[0])
    db.conn.executemany(
        f"INSERT INTO labels ({names}) VALUES ({marks(rows[0])})",
        [tuple(row.values()) for row in rows],
    )


def _check(label: Label) -> None:
    if label.kind == "person" and not label.annotator.strip():
        raise DataError("a person's verdict needs a name; give yours first", column="annotator")


def _first_or_not(db: Database, given: Iterable[Label]) -> Iterator[Label]:
    """`review.first` holds only where this person never gave a verdict here, undone ones included."""
    given = list(given)
    read = json.dumps([label.pair.id for label in given if label.kind == "person"])
    sql = """SELECT l.pair, l.annotator FROM json_each(?) j
        CROSS JOIN labels l ON l.pair = j.value AND l.kind = 'person'"""
    seen = {(pair, who) for pair, who in db.conn.execute(sql, [read])}
    for label in given:
        said = (label.pair.id, label.annotator)
        if label.review is not None and label.review.first and said in seen:
            label = replace(label, review=replace(label.review, first=False))
        if label.kind == "person":
            seen.add(said)
        yield label
