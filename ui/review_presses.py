"""What was pressed on the card of pairs, stored: each press once, in order, as far as it can be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from sqlite_utils import Database

from cai_core.errors import DataError, NotFoundError
from cai_core.schema import VERDICTS, ConstitutionRef, Verdict
from cai_core.store import corrections, draws, labels, sighted, verdicts
from cai_core.store.database import write_tx
from cai_core.store.verdicts import Press
from ui.review_card import KeyPress


@dataclass(frozen=True)
class Reading:
    """Who reads, which queue, and under which constitution."""

    person: str
    queue: draws.Queue
    under: ConstitutionRef | None = None


@dataclass
class Stored:
    """What came of presses.

    Args:
        acks: the highest stored number of each client. said: pairs that got a verdict just now, in
            order. back: pairs of which something was taken back just now. refused: why others came to nothing.
    """

    acks: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def store(db: Database, presses: Sequence[KeyPress], reading: Reading) -> Stored:
    """Store what is new of these presses, in one transaction; what cannot be stored is let go with its
    reason, so that it does not hold up what comes after it.
    """
    stored = Stored()
    if not presses:
        return stored
    with write_tx(db):
        for press in presses:
            if verdicts.event_of(db, press.client, press.number) is not None:
                continue
            try:
                _store_one(db, press, reading, stored)
            except (DataError, NotFoundError) as error:
                stored.refused.append(str(error))
                verdicts.take(db, press.client, press.number, event="")
    clients = {press.client for press in presses}
    stored.acks = {client: verdicts.last_number(db, client) for client in clients}
    return stored


def _store_one(db: Database, press: KeyPress, reading: Reading, stored: Stored) -> None:
    person = reading.person
    if press.act == "undo":
        _undo(db, press, reading, stored)
    elif press.act == "edit":
        event = corrections.add(db, press.card, press.text, person=person)
        verdicts.take(db, press.client, press.number, event=event)
    else:
        verdicts.give(db, verdict_of(db, press, person), person=person, under=reading.under)
        stored.said.append(press.card)


def _undo(db: Database, press: KeyPress, reading: Reading, stored: Stored) -> None:
    """Take back what this person wrote or said last, whichever was later."""
    written = corrections.last_of(db, reading.person)
    said = labels.last_of(db, reading.person)
    if written and (said is None or said.created < written.created):
        corrections.undo(db, written.id, who=reading.person)
        verdicts.take(db, press.client, press.number, event=written.pair.id)
        stored.back.append(written.pair.id)
        return
    pair = verdicts.undo_last(
        db,
        person=reading.person,
        client=press.client,
        number=press.number,
        queue=reading.queue,
    )
    if pair is None:
        stored.refused.append("You have no verdict to undo.")
    else:
        stored.back.append(pair)


def verdict_of(db: Database, press: KeyPress, person: str) -> Press:
    """The verdict of a press, on the pair's own sides; blind where this person saw no judgement of it."""
    return Press(
        client=press.client,
        number=press.number,
        pair=press.card,
        verdict=own_side(press),
        shown=press.shown,
        blind=press.card not in sighted.among(db, person, [press.card]),
        clear=press.clear,
        reasons=press.reasons,
        note=press.note,
    )


def own_side(press: KeyPress) -> Verdict:
    """
    >>> own_side(KeyPress("x", 1, "say", "p", "a", "ba")), own_side(KeyPress("x", 1, "say", "p", "tie", "ba"))
    ('b', 'tie')
    """
    if press.says not in VERDICTS:
        raise DataError(f"a verdict is one of {', '.join(VERDICTS)}, not '{press.says}'")
    said = cast(Verdict, press.says)
    turned: dict[Verdict, Verdict] = {"a": "b", "b": "a"}
    return turned.get(said, said) if press.shown == "ba" else said
