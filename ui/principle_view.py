"""Which principles of the draft are shown, and under which headings: search and groups.

A search finds once: what was found stays while it is edited, whatever its wording becomes, until
another search. Nothing here changes the draft.
"""

from dataclasses import dataclass
from itertools import groupby

import streamlit as st

from cai_core.schema import Principle
from ui.draft import Draft

SEARCH = "principle_search"  # session state: what is sought
GROUPED = "principle_grouped"  # session state: whether headings stand over them
_FOUND = "principle_found"  # session state: the Found of the last search
_NO_TAG = "No tag"


@dataclass(frozen=True)
class _Found:
    """The rows that a search has found in a constitution so far."""

    query: str
    name: str
    rows: frozenset[str]


@dataclass(frozen=True)
class Group:
    """Rows under one heading, in the draft's order; the heading is "" where there are no groups."""

    heading: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """What is shown of a draft of `total` principles."""

    groups: tuple[Group, ...]
    query: str
    total: int

    @property
    def rows(self) -> tuple[str, ...]:
        return tuple(row for group in self.groups for row in group.rows)

    def neighbours(self, row: str) -> tuple[str | None, str | None]:
        """The rows shown before and after it under the same heading."""
        group = next(group.rows for group in self.groups if row in group.rows)
        at = group.index(row)
        before = group[at - 1] if at else None
        return before, group[at + 1] if at + 1 < len(group) else None


def matches(principle: Principle, query: str) -> bool:
    """Whether every word of the query stands in its key, its wordings or its tags.

    >>> matches(Principle("kind", "Be warm.", tags=("tone",)), "WARM tone")
    True
    >>> matches(Principle("kind", "Be warm."), "cold")
    False
    """
    texts = (principle.key, principle.text, principle.critique, principle.revision)
    said = "\n".join((*texts, *principle.tags)).casefold()
    return all(word in said for word in query.casefold().split())


def view_of(draft: Draft) -> View:
    query = st.session_state.get(SEARCH, "").strip()
    shown = _found(draft, query)
    rows = [(row, principle) for row, principle in draft.rows if row in shown]
    grouped = st.session_state.get(GROUPED, False)
    return View(_groups(rows) if grouped else _one(rows), query, len(draft.rows))


def show_too(row: str) -> None:
    """Show a row that was just made, whatever is sought."""
    found = st.session_state.get(_FOUND)
    if found:
        st.session_state[_FOUND] = _Found(found.query, found.name, found.rows | {row})


def _found(draft: Draft, query: str) -> frozenset[str]:
    now = frozenset(row for row, principle in draft.rows if matches(principle, query))
    before = st.session_state.get(_FOUND)
    if before and (before.query, before.name) == (query, draft.name):
        now |= before.rows
    st.session_state[_FOUND] = _Found(query, draft.name, now)
    return now


def _one(rows: list[tuple[str, Principle]]) -> tuple[Group, ...]:
    return (Group("", tuple(row for row, _ in rows)),)


def _groups(rows: list[tuple[str, Principle]]) -> tuple[Group, ...]:
    """By the first tag of each, in the order in which the tags come; those without one last."""
    first = [(principle.tags[0] if principle.tags else _NO_TAG, row) for row, principle in rows]
    order = {tag: at for at, tag in enumerate(dict.fromkeys(tag for tag, _ in first))}
    order[_NO_TAG] = len(order)
    first.sort(key=lambda pair: order[pair[0]])
    return tuple(
        Group(tag, tuple(row for _, row in pairs))
        for tag, pairs in groupby(first, key=lambda pair: pair[0])
    )
