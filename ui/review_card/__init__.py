"""The review card: rows that a person judges by single keys, in the browser, without waiting.

One component of Streamlit. Python hands it a `Hand`: the next few rows, the keys, and how far it has
stored. It draws the next row itself as soon as a key is pressed, and hands back every press that is not
acknowledged yet; the same one may come twice. What is said of a row is the caller's: the kinds "pair",
"revision" and "helpful" use the same card with keys of their own.

    handed = review_card.handed("review_pairs")           what was pressed, in order
    ... store each (client, number) once ...
    review_card.show(Hand(kind="pair", ...), key="review_pairs")
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import streamlit as st

from cai_core.schema import Chat

Kind = Literal["pair", "revision", "helpful"]
Act = Literal["say", "undo", "note", "edit", "help"]

_HERE = Path(__file__).parent
_ROOT = """
<div class="card" tabindex="-1">
  <div class="bar">
    <div class="keys"></div>
    <div class="reasons" role="group" aria-label="Reasons"></div>
    <div class="lines">
      <span class="told" role="status" aria-live="polite"></span>
      <span class="noted"></span><span class="before"></span><span class="unsent"></span>
    </div>
  </div>
  <div class="grid"><div class="row"></div><div class="beside"></div></div>
  <div class="over" role="dialog" hidden></div>
</div>
"""


def _text(*names: str) -> str:
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


_CARD = st.components.v2.component(
    "ratify_review_card",
    html=_ROOT,
    css=_text("card.css"),
    js=_text("outbox.js", "face.js", "card.js"),
)


@dataclass(frozen=True)
class Button:
    """A key and the button that does the same.

    Args:
        act: "say" decides the row and goes on; "note" and "edit" open a field; "undo" brings the last
            row back. says: what "say" says. clear: holding shift makes it a clear one.
        decides: of "edit": the saved text is the decision, and the next row comes.
    """

    key: str
    words: str
    act: Act = "say"
    says: str = ""
    clear: bool = False
    decides: bool = False
    tone: Literal["primary", "", "quiet"] = ""
    help: str = ""


UNDO = Button("u", "Undo", "undo", tone="quiet", help="Take back the last one; again and again")
NOTE = Button("n", "Note", "note", tone="quiet", help="Write a note that goes with the next key")
HELP = Button("?", "Keys", "help", tone="quiet", help="These keys")


@dataclass(frozen=True)
class Part:
    """A stretch of a text. "own": only this text has it; "fold": same in both, long, shown folded.

    `number` tells folds that unfold together; `words` is how many words are folded.
    """

    text: str
    kind: Literal["same", "own", "fold"] = "same"
    number: int = 0
    words: int = 0


@dataclass(frozen=True)
class Box:
    """One text of a row under its title."""

    title: str
    parts: tuple[Part, ...]
    note: str = ""


@dataclass(frozen=True)
class Fact:
    """Something told below the texts: rows of name and value, bars in [0, 1], or a text."""

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    bars: tuple[tuple[str, float], ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Turn:
    role: str
    text: str


@dataclass(frozen=True)
class Row:
    """What is judged: one or two texts after a conversation.

    `shown` goes back with the press: "ba" where the sides are turned. `starts` are texts that an edit
    may begin with, by their button's words.
    """

    id: str
    turns: tuple[Turn, ...]
    boxes: tuple[Box, ...]
    shown: Literal["ab", "ba", ""] = ""
    badges: tuple[str, ...] = ()
    note: str = ""
    facts: tuple[Fact, ...] = ()
    starts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Rule:
    key: str
    text: str


@dataclass(frozen=True)
class Side:
    """What stands beside the row: the rules to judge by, and the owner's guidelines."""

    title: str
    rules: tuple[Rule, ...] = ()
    guidelines: str = ""
    empty: str = ""


@dataclass(frozen=True)
class Before:
    """The row that was decided last: what the person said of it, and what the judge did."""

    card: str
    you: str
    judge: str


@dataclass(frozen=True)
class Nothing:
    """What is shown in place of a row where none is left."""

    title: str
    says: str = ""


@dataclass(frozen=True)
class Hand:
    """Everything that the card shows.

    Args:
        person: presses of somebody else that are still in this browser wait for them.
        queue: changes when other rows were asked for.
        cards: the next rows, the one to show first. acks: the highest stored number of each client.
        echo: the nonce of what was read, see `Handed`. told: what became of it, where that was not
            what was asked for.
    """

    kind: Kind
    person: str
    queue: str
    buttons: tuple[Button, ...]
    cards: tuple[Row, ...]
    acks: Mapping[str, int]
    echo: str
    reasons: tuple[str, ...] = ()
    question: str = ""
    side: Side | None = None
    before: Before | None = None
    before_title: str = "The one before"
    nothing: Nothing = Nothing("Nothing is left here")
    told: str = ""


@dataclass(frozen=True)
class KeyPress:
    """One press as the browser tells it; `client` and `number` together name it.

    `ms` is how long the row had been on the screen. `card` is empty for an undo.
    """

    client: str
    number: int
    act: Act
    card: str = ""
    says: str = ""
    shown: Literal["ab", "ba", ""] = ""
    clear: bool = False
    reasons: tuple[str, ...] = ()
    note: str = ""
    text: str = ""
    ms: int = 0

    @classmethod
    def from_row(cls, row: object) -> "KeyPress | None":
        """None for what the card never sends."""
        if not isinstance(row, Mapping):
            return None
        client, act = row.get("client"), row.get("act")
        number = _whole(row.get("number"))
        if not isinstance(client, str) or len(client) > 200 or act not in _ACTS or not number:
            return None
        reasons, shown = row.get("reasons"), row.get("shown")
        return cls(
            _characters(client),
            number,
            act,
            **{name: _characters(row.get(name)) for name in ("card", "says", "note", "text")},
            shown=shown if isinstance(shown, str) and shown in ("ab", "ba") else "",
            clear=row.get("clear") is True,
            reasons=tuple(map(_characters, reasons)) if isinstance(reasons, list) else (),
            ms=_whole(row.get("ms")),
        )


_ACTS = ("say", "undo", "edit")


def _whole(value: object) -> int:
    """A count that a database can hold; 0 for anything else."""
    return value if type(value) is int and 0 < value < 2**53 else 0


def _characters(value: object) -> str:
    """A text without halves of surrogate pairs, which no database takes; "" for anything else."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


@dataclass(frozen=True)
class Handed:
    """What the browser handed over last: all its unacknowledged presses, oldest first."""

    nonce: str = ""
    presses: tuple[KeyPress, ...] = field(default=())


def handed(key: str) -> Handed:
    """What the card of this key has sent; call it before `show`."""
    state = st.session_state.get(key)
    return handed_of(state.get("presses") if isinstance(state, Mapping) else None)


def handed_of(sent: object) -> Handed:
    """
    >>> handed_of({"nonce": "x/1", "list": [{"client": "x", "number": 1, "act": "undo"}]}).presses[0].act
    'undo'
    >>> handed_of(None)
    Handed(nonce='', presses=())
    """
    if not isinstance(sent, Mapping):
        return Handed()
    given = sent.get("list")
    found = map(KeyPress.from_row, given if isinstance(given, list) else ())
    return Handed(_characters(sent.get("nonce")), tuple(press for press in found if press))


def show(hand: Hand, *, key: str) -> None:
    """Mount the card."""
    _CARD(key=key, data=asdict(hand) | {"beforeTitle": hand.before_title})


def turns_of(chat: Chat) -> tuple[Turn, ...]:
    return tuple(Turn(message.role, message.content) for message in chat)


def plain_parts(text: str) -> tuple[Part, ...]:
    return (Part(text),) if text else ()
