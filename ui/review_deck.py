"""What a reviewer goes through: the rows that pass the filters, in order, and the place reached.

It is drawn once and kept in session state until the filters change, so that a key press asks the
database for one row and not for all.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import streamlit as st


@dataclass(frozen=True)
class Card:
    """One row that came up, by id; `pi` is the probability with which it did, where that is known."""

    id: str
    pi: float | None = None


@dataclass(frozen=True)
class Deck:
    """Cards, of which the first `at` are done; `made_for` are the filters it was drawn under."""

    made_for: Hashable
    cards: tuple[Card, ...]
    at: int = 0

    @classmethod
    def of(cls, made_for: Hashable, cards: Sequence[Card], done: frozenset[str]) -> Self:
        """The cards in their order, those that are done already first."""
        seen = [card for card in cards if card.id in done]
        todo = [card for card in cards if card.id not in done]
        return cls(made_for, (*seen, *todo), len(seen))

    @property
    def current(self) -> Card | None:
        return self.cards[self.at] if self.at < len(self.cards) else None

    def after(self, row_id: str) -> Self:
        """Itself behind a row; unchanged where that row is not the current one."""
        here = self.current is not None and self.current.id == row_id
        return replace(self, at=self.at + 1) if here else self

    def showing(self, card: Card) -> Self:
        """Itself with this row next, and nowhere else."""
        done = tuple(c for c in self.cards[: self.at] if c.id != card.id)
        todo = tuple(c for c in self.cards[self.at :] if c.id != card.id)
        return replace(self, cards=(*done, card, *todo), at=len(done))

    def progress_words(self, done: str) -> str:
        """
        >>> Deck("all", (Card("x"), Card("y")), at=1).progress_words("reviewed")
        '1 of 2 reviewed'
        """
        return f"{self.at} of {len(self.cards)} {done}"


def opened(key: str, made_for: Hashable, draw: Callable[[], Deck]) -> Deck:
    """The deck of this key, drawn anew where the filters have changed."""
    deck: Deck | None = st.session_state.get(key)
    if deck is None or deck.made_for != made_for:
        deck = draw()
        st.session_state[key] = deck
    return deck


def kept(key: str) -> Deck | None:
    """The deck of this key, where one is open."""
    return st.session_state.get(key)


def keep(key: str, deck: Deck) -> None:
    st.session_state[key] = deck


def close(key: str) -> None:
    """Let the deck be drawn anew."""
    st.session_state.pop(key, None)
