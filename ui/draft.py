"""A constitution while it is edited: immutable values, kept in session state until saved.

Every principle has a row id that stays when it is renamed or moved, so that its widgets stay its own.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Self

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution import keys
from cai_core.schema import Constitution, Principle, Version
from cai_core.store import constitutions

DRAFTS = "constitution_drafts"  # session state: {slot: Draft}
CURRENT = "constitution_current"  # session state: the slot that is open
_row_ids = count(1)


def _row_id() -> str:
    return f"r{next(_row_ids)}"


@dataclass(frozen=True)
class Draft:
    """`rows` are (row id, principle) in order; `base` is the version it was begun from.

    The base of a fork is a version of another constitution.
    """

    name: str
    description: str
    rows: tuple[tuple[str, Principle], ...]
    base: Version | None = None

    @classmethod
    def of(
        cls, constitution: Constitution, base: Version | None = None, *, like: "Draft | None" = None
    ) -> Self:
        """A draft of this; a principle keeps the row that its key has in `like`, so its card stays open."""
        known = {p.key: row for row, p in like.rows} if like else {}
        rows = tuple((known.pop(p.key, "") or _row_id(), p) for p in constitution.principles)
        return cls(constitution.name, constitution.description, rows, base)

    @property
    def constitution(self) -> Constitution:
        return Constitution(self.name, tuple(p for _, p in self.rows), self.description)

    @property
    def unsaved(self) -> bool:
        return self.base is None or self.base.constitution != self.constitution

    @property
    def forked(self) -> bool:
        return self.base is not None and self.base.constitution.name != self.name

    def edit(self, row: str, **fields: Any) -> Self:
        return self.edit_all({row}, lambda principle: replace(principle, **fields))

    def edit_all(self, rows: Collection[str], step: Callable[[Principle], Principle]) -> Self:
        """Itself with a step taken on each of these rows; the others stay as they are."""
        return replace(self, rows=tuple((r, step(p) if r in rows else p) for r, p in self.rows))

    def add(self) -> Self:
        """Itself with an empty principle at the end."""
        return replace(self, rows=(*self.rows, (_row_id(), Principle(self._free_key("new")))))

    def with_principle(self, principle: Principle) -> Self:
        """Itself with this principle at the end, under a free key."""
        row = (_row_id(), replace(principle, key=self._free_key(principle.key)))
        return replace(self, rows=(*self.rows, row))

    def duplicate(self, row: str) -> Self:
        """Itself with a copy of a principle behind it, under a key of its own."""
        at = self.place(row)
        original = self.rows[at][1]
        copy = (_row_id(), replace(original, key=self._free_key(original.key)))
        return replace(self, rows=(*self.rows[: at + 1], copy, *self.rows[at + 1 :]))

    def move_to(self, row: str, place: int) -> Self:
        """Itself with a principle at this place, counted from 0, as far as there is room."""
        rows = list(self.rows)
        moved = rows.pop(self.place(row))
        rows.insert(min(max(place, 0), len(rows)), moved)
        return replace(self, rows=tuple(rows))

    def delete(self, row: str) -> Self:
        return replace(self, rows=tuple(pair for pair in self.rows if pair[0] != row))

    def filled_with(self, constitution: Constitution) -> Self:
        """Itself with other contents, for a restored version; the base stays."""
        return replace(self.of(constitution, self.base, like=self), name=self.name)

    def place(self, row: str) -> int:
        """Where a principle stands, counted from 0."""
        return next(at for at, (r, _) in enumerate(self.rows) if r == row)

    def _free_key(self, wanted: str) -> str:
        return keys.unique([wanted], taken=(principle.key for _, principle in self.rows))[0]


def with_tag(tag: str, *, first: bool = False) -> Callable[[Principle], Principle]:
    """A step that gives a principle a tag; as the first one it is the heading that it stands under.

    >>> with_tag("tone", first=True)(Principle("a", tags=("truth", "tone"))).tags
    ('tone', 'truth')
    """

    def step(principle: Principle) -> Principle:
        others = tuple(other for other in principle.tags if other != tag)
        if first:
            return replace(principle, tags=(tag, *others))
        return principle if tag in principle.tags else replace(principle, tags=(*others, tag))

    return step


def drafts() -> dict[str, Draft]:
    return st.session_state.setdefault(DRAFTS, {})  # type: ignore[no-any-return]


def draft_of(db: Database, name: str) -> Draft:
    """The draft of this name as it is; else one of the newest version; else an empty one."""
    if name in drafts():
        return drafts()[name]
    if name not in constitutions.names(db):
        return Draft.of(Constitution(name))
    newest = constitutions.newest(db, name)
    return Draft.of(newest.constitution, newest)


def take_up(draft: Draft, *, slot: str = "") -> None:
    """Put a draft in its slot, else in that of its name, and make it the one that is open."""
    st.session_state[CURRENT] = slot or draft.name
    keep(draft)


def current() -> Draft:
    return drafts()[st.session_state[CURRENT]]


def keep(draft: Draft) -> None:
    """Make this the state of the open draft."""
    drafts()[st.session_state[CURRENT]] = draft


def change(step: Callable[[Draft], Draft]) -> None:
    keep(step(current()))
