"""An edit of a constitution as a judge sees it: which questions and weights differ.

A principle that was only renamed or moved asks the same question with the same weight, so it is no
part of the edit. What only revisions use (critique and revision requests) is told apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from cai_core.errors import DataError
from cai_core.feedback.comparison import comparison_question
from cai_core.feedback.draw import voters
from cai_core.schema import Constitution, Principle

Kind = Literal["reworded", "added", "removed", "reweighted"]


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
        before, after = _voting(self.old), _voting(self.new)
        for key in _same_question(before, after):
            before[key[0]] = after[key[1]] = None
        keys = dict.fromkeys([*before, *after])
        found = [_touched(key, before.get(key), after.get(key)) for key in keys]
        return tuple(one for one in found if one)

    @cached_property
    def touches_revisions(self) -> bool:
        """Whether a critique or a revision may come out otherwise."""
        return _requests(self.old) != _requests(self.new)

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


def _same_question(
    before: Mapping[str, Principle | None], after: Mapping[str, Principle | None]
) -> list[tuple[str, str]]:
    """(old key, new key) of principles that ask the same with the same weight, each used once."""
    free: dict[tuple[str, float], list[str]] = {}
    for key, principle in after.items():
        assert principle is not None
        free.setdefault((comparison_question(principle), principle.weight), []).append(key)
    found = []
    for key, principle in before.items():
        assert principle is not None
        same = free.get((comparison_question(principle), principle.weight), [])
        if same:
            other = key if key in same else same[0]
            same.remove(other)
            found.append((key, other))
    return found


def _touched(key: str, old: Principle | None, new: Principle | None) -> Touched | None:
    if old is None and new is None:
        return None
    if old is None or new is None:
        return Touched(key, "added" if old is None else "removed", old, new)
    same = comparison_question(old) == comparison_question(new)
    return Touched(key, "reweighted" if same else "reworded", old, new)


def _requests(constitution: Constitution) -> dict[str, tuple[str, str, float]]:
    rows = constitution.enabled
    return {p.key: (p.critique or p.text, p.revision, p.weight) for p in rows}
