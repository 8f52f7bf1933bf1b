"""One prompt with two answers, read from our rows, from {prompt, chosen, rejected} or from raw hh dialogues."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

from cai_core.errors import DataError
from cai_core.schema import fields
from cai_core.schema.chats import Chat, chat_from_row, chat_row, hh_dialogue, message_from_row
from cai_core.schema.fields import Row, content_hash

Verdict = Literal["a", "b", "tie", "bad", "skip"]
VERDICTS: tuple[Verdict, ...] = ("a", "b", "tie", "bad", "skip")
HUMAN_P: Mapping[str, float] = {"a": 1.0, "tie": 0.5, "b": 0.0}


@dataclass(frozen=True)
class Pair:
    """One prompt with two answers, in no order of merit."""

    id: str
    prompt: Chat
    response_a: str
    response_b: str
    label: Verdict | None = None
    annotator: str = ""
    extra: Row = field(default_factory=dict)

    @staticmethod
    def id_of(prompt: Chat, one: str, other: str) -> str:
        """The identity of a pair: its prompt and its two answers, unordered."""
        return content_hash({"prompt": chat_row(prompt), "responses": sorted((one, other))})

    @cached_property
    def identity(self) -> str:
        """`id_of` this pair, whatever id it was given."""
        return self.id_of(self.prompt, self.response_a, self.response_b)

    @classmethod
    def of(cls, prompt: Chat, response_a: str, response_b: str, **more: Any) -> Self:
        return cls(
            cls.id_of(prompt, response_a, response_b), prompt, response_a, response_b, **more
        )

    @classmethod
    def from_row(cls, row: object) -> Self:
        """Read {prompt, response_a, response_b}, {prompt, chosen, rejected} or a raw hh dialogue.

        An answer may be empty where the row says in `error` why.
        """
        row = fields.as_object(row)
        if "response_a" not in row and "chosen" in row:
            row = _pair_row_from_chosen(row)
        chat = chat_from_row(row.get("prompt"))
        needed = not row.get("error")
        a, b = (fields.text(row, name, needed=needed) for name in ("response_a", "response_b"))
        known = {"id", "prompt", "response_a", "response_b", "label", "annotator"}
        return cls(
            id=str(row.get("id") or cls.id_of(chat, a, b)),
            prompt=chat,
            response_a=a,
            response_b=b,
            label=fields.choice(row, "label", VERDICTS),
            annotator=fields.text(row, "annotator", needed=False),
            extra=fields.extra(row, known),
        )

    def to_row(self) -> Row:
        row: Row = {"id": self.id, "prompt": chat_row(self.prompt)}
        row |= {"response_a": self.response_a, "response_b": self.response_b}
        if self.label is not None:
            row["label"] = self.label
        if self.annotator:
            row["annotator"] = self.annotator
        return row | self.extra

    def swapped(self) -> Self:
        return replace(self, response_a=self.response_b, response_b=self.response_a)


def _split_dialogue(value: object, column: str) -> tuple[Chat, str]:
    if isinstance(value, str):
        turns = hh_dialogue(value)
    elif isinstance(value, list):
        turns = tuple(message_from_row(turn, column) for turn in value)
    else:
        raise DataError(f"'{column}' must be a text or a list of turns", column=column)
    if not turns or turns[-1].role != "assistant":
        raise DataError(f"'{column}' must end in an assistant turn", column=column)
    return turns[:-1], turns[-1].content


def _pair_row_from_chosen(row: Row) -> Row:
    """Turn {prompt?, chosen, rejected} into our row; sides by the parity of the id's hash."""
    if row.get("prompt") is not None:
        prompt = chat_from_row(row["prompt"])
        chosen, rejected = (_answer(row.get(c), c) for c in ("chosen", "rejected"))
    else:
        prompt, chosen = _split_dialogue(row.get("chosen"), "chosen")
        other, rejected = _split_dialogue(row.get("rejected"), "rejected")
        if other != prompt:
            raise DataError("'chosen' and 'rejected' do not share their conversation")
    given = row.get("id") or Pair.id_of(prompt, chosen, rejected)
    first = int(content_hash(str(given)), 16) % 2 == 0
    a, b = (chosen, rejected) if first else (rejected, chosen)
    rest = {k: v for k, v in row.items() if k not in ("chosen", "rejected", "prompt")}
    return {
        **rest,
        "id": given,
        "prompt": chat_row(prompt),
        "response_a": a,
        "response_b": b,
        "label": "a" if first else "b",
    }


def _answer(value: object, column: str) -> str:
    if isinstance(value, list):
        return _split_dialogue(value, column)[1]
    if not isinstance(value, str):
        raise DataError(f"'{column}' must be a text or a list of turns", column=column)
    return value
