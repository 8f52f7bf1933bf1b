"""A constitution while it is edited: immutable values, kept in session state until saved.

Every principle has a row id that stays when it is renamed or moved, so that its widgets stay its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Self

import streamlit as st

from cai_core.schema import Constitution, Principle, Version

DRAFTS = "constitution_drafts"  # session state: {slot: Draft}
CURRENT = "constitution_current"  # session state: the slot that is open
_row_ids = count(1)


def _row_id() -> str:
    return f"r{next(_row_ids)}"


@dataclass(frozen=True)
class Draft:
    """`rows` are (row id, principle) in order; `base` is the version it was begun from."""

    name: str
    description: str
    rows: tuple[tuple[str, Principle], ...]
    base: Version | None = None

    @classmethod
    def of(cls, constitution: Constitution, base: Version | None = None) -> Self:
        rows = tuple((_row_id(), principle) for principle in constitution.principles)
        return cls(constitution.name, constitution.description, rows, base)

    @property
    def constitution(self) -> Constitution:
        return Constitution(self.name, tuple(p for _, p in self.rows), self.description)

    @property
    def unsaved(self) -> bool:
        if self.base is None:
            return True
        saved, now = self.base.constitution, self.constitution
        return (now.hash, now.description) != (saved.hash, saved.description)

    def edit(self, row: str, **fields: Any) -> Self:
        rows = tuple((r, replace(p, **fields) if r == row else p) for r, p in self.rows)
        return replace(self, rows=rows)

    def add(self) -> Self:
        """Itself with an empty principle at the end."""
        return replace(self, rows=(*self.rows, (_row_id(), Principle(self._free_key("new")))))

    def with_principle(self, principle: Principle) -> Self:
        """Itself with this principle at the end, under a free key."""
        row = (_row_id(), replace(principle, key=self._free_key(principle.key)))
        return replace(self, rows=(*self.rows, row))

    def duplicate(self, row: str) -> Self:
        """Itself with a copy of a principle behind it, under a key of its own."""
        at = self._place(row)
        original = self.rows[at][1]
        copy = (_row_id(), replace(original, key=self._free_key(original.key)))
        return replace(self, rows=(*self.rows[: at + 1], copy, *self.rows[at + 1 :]))

    def move(self, row: str, by: int) -> Self:
        """Itself with a principle moved up (by < 0) or down, as far as there is room."""
        at = self._place(row)
        rows = list(self.rows)
        rows.insert(min(max(at + by, 0), len(rows)), rows.pop(at))
        return replace(self, rows=tuple(rows))

    def delete(self, row: str) -> Self:
        return replace(self, rows=tuple(pair for pair in self.rows if pair[0] != row))

    def filled_with(self, constitution: Constitution) -> Self:
        """Itself with other contents, for an upload or a restored version; the base stays."""
        return replace(self.of(constitution, self.base), name=self.name)

    def _place(self, row: str) -> int:
        return next(at for at, (r, _) in enumerate(self.rows) if r == row)

    def _free_key(self, wanted: str) -> str:
        taken = {principle.key for _, principle in self.rows}
        numbered = (f"{wanted}-{n}" for n in count(2))
        return wanted if wanted not in taken else next(k for k in numbered if k not in taken)


def drafts() -> dict[str, Draft]:
    return st.session_state.setdefault(DRAFTS, {})  # type: ignore[no-any-return]


def current() -> Draft:
    return drafts()[st.session_state[CURRENT]]


def keep(draft: Draft) -> None:
    """Make this the state of the open draft."""
    drafts()[st.session_state[CURRENT]] = draft


def change(step: Callable[[Draft], Draft]) -> None:
    keep(step(current()))
