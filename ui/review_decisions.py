"""Rows that are kept or rejected one at a time on the review card: revisions and helpful answers.

What was pressed is stored, each press once, and the next rows of a deck are handed over. The deck is in a
random order, another one for each person, and is drawn anew when the filters change.
"""

import random
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import DataError, NotFoundError
from cai_core.schema import content_hash
from cai_core.store import verdicts
from cai_core.store.database import write_tx
from cai_core.store.decisions import Decision, DecisionEvent
from ui import review_card, review_deck
from ui.person import person
from ui.review_card import HELP, NOTE, UNDO, Button, Hand, KeyPress, Kind, Nothing, Row
from ui.review_deck import Card, Deck
from ui.review_presses import Stored

AT_ONCE = 5  # rows that the card holds
BUTTONS = (
    Button("k", "Keep", says="keep", tone="primary"),
    Button("d", "Reject", says="drop", help="Reject: it stays out of datasets"),
    Button(
        "e", "Edit", "edit", says="correct", decides=True, help="Write the answer as it should be"
    ),
    Button("s", "Skip", says="skip", help="Skip: decide nothing"),
    NOTE,
    UNDO,
    HELP,
)
SAID = {"keep": "kept", "drop": "rejected", "correct": "corrected", "skip": "skipped"}


class Log(Protocol):
    """Where decisions go: `store.revisions` or `store.helpful`."""

    def decide(
        self, db: Database, row_id: str, verdict: Decision, /, *, person: str, text: str, note: str
    ) -> str: ...

    def undo(self, db: Database, decision_id: str, /, *, who: str) -> None: ...

    def last_of(self, db: Database, person: str, /) -> DecisionEvent | None: ...


@dataclass(frozen=True)
class Shelf:
    """Rows of one kind that are gone through.

    Args:
        made_for: the filters; another deck is drawn where they change. ids: of the rows that pass them.
        rows: of some ids, as the card shows them.
    """

    kind: Kind
    log: Log
    made_for: Hashable
    ids: Callable[[], Sequence[str]]
    rows: Callable[[Sequence[str]], tuple[Row, ...]]
    question: str
    nothing: Nothing

    @property
    def deck(self) -> str:
        """The key of its deck in session state."""
        return f"review_{self.kind}_deck"

    @property
    def last(self) -> str:
        """The key in session state of the id of the row that was decided last."""
        return f"review_{self.kind}_last"


def show(db: Database, shelf: Shelf) -> None:
    """Store what was pressed, and hand over what comes next."""
    key = f"review_{shelf.kind}_card"
    handed = review_card.handed(key)
    deck = review_deck.opened(shelf.deck, (person(), shelf.made_for), lambda: _draw(shelf))
    stored = store(db, handed.presses, shelf.log, person=person())
    deck = moved(deck, stored)
    review_deck.keep(shelf.deck, deck)
    if stored.said or stored.back:
        st.session_state[shelf.last] = stored.said[-1] if stored.said else ""
    cards = shelf.rows([card.id for card in deck.cards[deck.at : deck.at + AT_ONCE]])
    hand = Hand(
        kind=shelf.kind,
        person=person(),
        queue=content_hash(str(shelf.made_for)),
        buttons=BUTTONS,
        cards=cards,
        acks=stored.acks,
        echo=handed.nonce,
        question=shelf.question if cards else "",
        nothing=shelf.nothing,
        told=" ".join(stored.refused),
    )
    review_card.show(hand, key=key)


def last_decided(shelf: Shelf) -> str:
    """The id of the row that was decided last on this screen; "" where none was."""
    return str(st.session_state.get(shelf.last, ""))


def _draw(shelf: Shelf) -> Deck:
    """All rows in an order by chance that one person keeps."""
    ids = sorted(shelf.ids())
    random.Random(content_hash(["order", shelf.kind, person()])).shuffle(ids)
    return Deck.of((person(), shelf.made_for), [Card(one) for one in ids], frozenset())


def store(db: Database, presses: Sequence[KeyPress], log: Log, *, person: str) -> Stored:
    """Store what is new of these presses, in one transaction; what cannot be is let go with its reason."""
    stored = Stored()
    if not presses:
        return stored
    with write_tx(db):
        for press in presses:
            if verdicts.event_of(db, press.client, press.number) is not None:
                continue
            event = ""
            try:
                event = _store_one(db, press, log, stored, person)
            except (DataError, NotFoundError) as error:
                stored.refused.append(str(error))
            verdicts.take(db, press.client, press.number, event=event)
    clients = {press.client for press in presses}
    stored.acks = {client: verdicts.last_number(db, client) for client in clients}
    return stored


def _store_one(db: Database, press: KeyPress, log: Log, stored: Stored, person: str) -> str:
    if press.act != "undo":
        said = cast(Decision, press.says)  # the store refuses what is none
        event = log.decide(db, press.card, said, person=person, text=press.text, note=press.note)
        stored.said.append(press.card)
        return event
    last = log.last_of(db, person)
    if last is None:
        raise DataError("You have no decision to undo.")
    log.undo(db, last.id, who=person)
    stored.back.append(last.row)
    stored.said = [one for one in stored.said if one != last.row]
    return last.id


def moved(deck: Deck, stored: Stored) -> Deck:
    """The deck behind what was decided, with what was taken back on top."""
    for row in stored.said:
        deck = deck.showing(Card(row)).after(row)
    for row in stored.back:
        if row not in stored.said:
            deck = deck.showing(Card(row))
    return deck


def badge_of(decision: DecisionEvent | None) -> tuple[str, ...]:
    """What was decided on a row before, in words."""
    if decision is None:
        return ()
    note = f": {decision.note}" if decision.note else ""
    return (f"{SAID[decision.verdict].capitalize()} by {decision.person}{note}",)
