"""A response and the rounds of critique and revision that rewrote it.

A round is marked where its revision is not what it should be: "unchanged" (the answer before it, but
for case and punctuation), "empty" (the model wrote nothing; the answer before it stands), "looping"
(it goes round in circles), "leftover" (a phrase like "Here is a revised response" was stripped).
"""

from dataclasses import dataclass, field
from typing import Literal, Self, get_args

from cai_core.errors import DataError
from cai_core.schema import fields
from cai_core.schema.chats import Chat, chat_from_row, chat_row
from cai_core.schema.constitutions import ConstitutionRef
from cai_core.schema.fields import Row, content_hash
from cai_core.text import is_looping, normalise

Mark = Literal["unchanged", "empty", "looping", "leftover"]
MARKS: tuple[Mark, ...] = get_args(Mark)
FLAWS: tuple[Mark, ...] = ("unchanged", "empty", "looping")  # there is nothing to learn from these
CORRECTED = "corrected"  # in place of a principle: a person wrote this revision


@dataclass(frozen=True)
class Round:
    """One critique under one principle (its key, or "whole"), and the rewritten response."""

    principle: str
    critique: str
    revision: str
    marks: tuple[Mark, ...] = ()

    @classmethod
    def from_row(cls, row: Row) -> Self:
        principle, critique, revision = (
            fields.text(row, column, needed=False)
            for column in ("principle", "critique", "revision")
        )
        given = row.get("marks") or []
        if not isinstance(given, list):
            raise DataError("'marks' must be a list of words", column="marks")
        marks = tuple(mark for mark in MARKS if mark in given)
        return cls(principle, critique, revision, marks)

    def to_row(self) -> Row:
        row: Row = {"principle": self.principle, "critique": self.critique}
        row["revision"] = self.revision
        return row | ({"marks": list(self.marks)} if self.marks else {})

    def flaws(self, before: str) -> tuple[Mark, ...]:
        """What is wrong with this revision of the answer `before`; known for unmarked rows too."""
        if self.principle == CORRECTED:
            return ()
        if "empty" in self.marks or not self.revision.strip():
            return ("empty",)
        found = {
            "unchanged": normalise(self.revision) == normalise(before),
            "looping": is_looping(self.revision),
        }
        return tuple(mark for mark in FLAWS if mark in self.marks or found.get(mark))


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
    def flaws(self) -> tuple[tuple[Mark, ...], ...]:
        """What is wrong with the revision of each round; () where nothing is."""
        before = [self.initial, *(r.revision for r in self.rounds)]
        return tuple(r.flaws(answer) for r, answer in zip(self.rounds, before, strict=False))

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
            rounds=tuple(map(Round.from_row, rounds)),
            model=fields.text(row, "model", needed=False),
            constitution=ConstitutionRef.from_row(row.get("constitution")),
            seed=row.get("seed"),
            error=str(row.get("error") or ""),
            extra=fields.extra(row, known),
        )

    def to_row(self) -> Row:
        row: Row = {"id": self.id, "prompt": chat_row(self.prompt), "initial": self.initial}
        row["rounds"] = [r.to_row() for r in self.rounds]
        row |= {"model": self.model, "seed": self.seed}
        row["constitution"] = self.constitution.to_row() if self.constitution else None
        if self.error:
            row["error"] = self.error
        return row | self.extra
