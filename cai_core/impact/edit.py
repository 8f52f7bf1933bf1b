"""An edit of a constitution as a judge sees it, and as whoever revises does.

A judge sees questions with their weights, a reviser critique and revision requests. A principle that
was only renamed or moved asks the same, so it is no part of the edit.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from cai_core.errors import DataError
from cai_core.feedback.comparison import comparison_question
from cai_core.feedback.draw import voters
from cai_core.feedback.templates import requests_of
from cai_core.schema import Constitution, Principle

Kind = Literal["reworded", "added", "removed", "reweighted"]
_Asks = Callable[[Principle], tuple[str | float, ...]]  # what a principle asks, to be compared


@dataclass(frozen=True)
class Touched:
    """One principle that the edit touches; `old` is None for an added one, `new` for a removed one."""

    key: str
    kind: Kind
    old: Principle | None
    new: Principle | None

    @property
    def tags(self) -> tuple[str, ...]:
        """Those of both versions, each once."""
        both = [*(self.old.tags if self.old else ()), *(self.new.tags if self.new else ())]
        return tuple(dict.fromkeys(both))

    @property
    def wording(self) -> Principle:
        """The principle as it was, or as it came."""
        found = self.old or self.new
        assert found is not None
        return found


@dataclass(frozen=True)
class Edit:
    """From one version to another, or to a draft."""

    old: Constitution
    new: Constitution

    @cached_property
    def touched(self) -> tuple[Touched, ...]:
        """Principles whose question or weight differs among those that vote, in the old order."""
        return self._differing(lambda p: (comparison_question(p), p.weight))

    @cached_property
    def requests_touched(self) -> tuple[Touched, ...]:
        """Those whose critique or revision request differs, as it is really sent: a missing one is
        filled in. A weight only says how often a principle is drawn.
        """
        return self._differing(_requests)

    @property
    def touches_revisions(self) -> bool:
        """Whether a critique or a revision may come out otherwise."""
        return bool(self.requests_touched)

    def _differing(self, asked: "_Asks") -> tuple[Touched, ...]:
        before, after = _voting(self.old), _voting(self.new)
        for old, new in _asking_the_same(before, after, asked):
            before[old] = after[new] = None
        keys = dict.fromkeys([*before, *after])
        found = [_touched(key, before.get(key), after.get(key), asked) for key in keys]
        return tuple(one for one in found if one)

    def check(self) -> "Edit":
        """Itself. Raises DataError: nothing that a judge is asked differs."""
        if not self.touched:
            revisions = (
                " (its critique or revision requests do: compare revisions instead)"
                if self.touches_revisions
                else ""
            )
            raise DataError(
                f"no question or weight differs between these two states of '{self.new.name}'"
                f"{revisions}; there is nothing to judge again"
            )
        return self


def _voting(constitution: Constitution) -> dict[str, Principle | None]:
    return {principle.key: principle for principle in voters(constitution)}


def _asking_the_same(
    before: Mapping[str, Principle | None], after: Mapping[str, Principle | None], asked: _Asks
) -> list[tuple[str, str]]:
    """(old key, new key) of principles that ask the same, each used once."""
    free: dict[Hashable, list[str]] = {}
    for key, principle in after.items():
        assert principle is not None
        free.setdefault(asked(principle), []).append(key)
    found = []
    for key, principle in before.items():
        assert principle is not None
        same = free.get(asked(principle), [])
        if same:
            other = key if key in same else same[0]
            same.remove(other)
            found.append((key, other))
    return found


def _touched(
    key: str, old: Principle | None, new: Principle | None, asked: _Asks
) -> Touched | None:
    if old is None and new is None:
        return None
    if old is None or new is None:
        return Touched(key, "added" if old is None else "removed", old, new)
    same = _texts(asked(old)) == _texts(asked(new))
    return Touched(key, "reweighted" if same else "reworded", old, new)


def _texts(asked: tuple[str | float, ...]) -> list[str]:
    return [part for part in asked if isinstance(part, str)]


def _requests(principle: Principle) -> tuple[str, str]:
    asked = requests_of(principle)
    return asked.critique, asked.revision
