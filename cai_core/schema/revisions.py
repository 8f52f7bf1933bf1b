"""A response and the rounds of critique and revision that rewrote it."""

from dataclasses import dataclass, field
from typing import Self

from cai_core.errors import DataError
from cai_core.schema import fields
from cai_core.schema.chats import Chat, chat_from_row, chat_row
from cai_core.schema.constitutions import ConstitutionRef
from cai_core.schema.fields import Row, content_hash


@dataclass(frozen=True)
class Round:
    """One critique under one principle (its key, or "whole"), and the rewritten response."""

    principle: str
    critique: str
    revision: str


@dataclass(frozen=True)
class Revision:
    """A prompt, the initial response, and the rounds that rewrote it."""

    id: str
    prompt: Chat
    initial: str
    rounds: tuple[Round, ...]
    model: str = ""
    constitution: ConstitutionRef | None = None
    seed: int | None = None
    error: str = ""
    extra: Row = field(default_factory=dict)

    @property
    def final(self) -> str:
        return self.rounds[-1].revision if self.rounds else self.initial

    @classmethod
    def from_row(cls, row: object) -> Self:
        row = fields.as_object(row)
        chat = chat_from_row(row.get("prompt"))
        rounds = row.get("rounds") or []
        if not isinstance(rounds, list) or not all(isinstance(r, dict) for r in rounds):
            raise DataError("'rounds' must be a list of {principle, critique, revision}")
        known = {"id", "prompt", "initial", "rounds", "model", "constitution", "seed", "error"}
        return cls(
            id=str(row.get("id") or content_hash(chat_row(chat))),
            prompt=chat,
            initial=fields.text(row, "initial", needed=False),
            rounds=tuple(
                Round(
                    *(
                        fields.text(r, c, needed=False)
                        for c in ("principle", "critique", "revision")
                    )
                )
                for r in rounds
            ),
            model=fields.text(row, "model", needed=False),
            constitution=ConstitutionRef.from_row(row.get("constitution")),
            seed=row.get("seed"),
            error=str(row.get("error") or ""),
            extra=fields.extra(row, known),
        )

    def to_row(self) -> Row:
        row: Row = {"id": self.id, "prompt": chat_row(self.prompt), "initial": self.initial}
        row["rounds"] = [vars(r).copy() for r in self.rounds]
        row |= {"model": self.model, "seed": self.seed}
        row["constitution"] = self.constitution.to_row() if self.constitution else None
        if self.error:
            row["error"] = self.error
        return row | self.extra
