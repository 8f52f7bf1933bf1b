"""What changed from one constitution to another, principle by principle."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Literal

from rapidfuzz.distance import LCSseq

from cai_core.schema import Constitution, Principle
from cai_core.text import DiffPart, word_diff

Kind = Literal["added", "removed", "renamed", "changed", "moved"]

# Of the shipped constitutions no two principles share more than 0.33 of their words in order, all
# words counted; a renamed one keeps at least twice that of the words that are its own.
RENAMED_FROM = 0.66
_WORDINGS = ("text", "critique", "revision")
_OTHERS = ("weight", "enabled", "tags", "source")
_SIGNS: Mapping[Kind, str] = {
    "added": "+",
    "removed": "-",
    "renamed": "=",
    "changed": "~",
    "moved": ">",
}
_WORD = re.compile(r"\w+")
_Placed = tuple[int, Principle]


@dataclass(frozen=True)
class FieldChange:
    """One field of a principle; `parts` is the difference by words, for wordings only."""

    name: str
    old: object
    new: object
    parts: tuple[DiffPart, ...] = ()


@dataclass(frozen=True)
class Change:
    """What happened to one principle. Places count from 1; None where it is not there.

    `key` is the new one where it was renamed. What was renamed or changed may have moved too.
    """

    key: str
    kind: Kind
    old: Principle | None
    new: Principle | None
    old_place: int | None
    new_place: int | None
    fields: tuple[FieldChange, ...] = ()
    moved: bool = False


@dataclass(frozen=True)
class ConstitutionDiff:
    """All that differs: name and description, and principles in the new order, removed ones last."""

    fields: tuple[FieldChange, ...]
    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        return not self.fields and not self.changes


def compare(old: Constitution, new: Constitution) -> ConstitutionDiff:
    """The difference; a principle is known by its key, or by its wording where only that is left."""
    before, after = _placed(old.principles), _placed(new.principles)
    was = {key: key for key in after if key in before} | _renamed(before, after)
    stayed = set(was.values())
    moved = _moved([key for key in before if key in stayed], [was[k] for k in after if k in was])
    changes = [
        _change(before[was[key]], after[key], was[key] in moved)
        if key in was
        else Change(key, "added", None, after[key][1], None, after[key][0])
        for key in after
    ]
    gone = [
        Change(key, "removed", p, None, place, None)
        for key, (place, p) in before.items()
        if key not in stayed
    ]
    named = [_field(n, getattr(old, n), getattr(new, n)) for n in ("name", "description")]
    fields = tuple(field for field in named if field.old != field.new)
    return ConstitutionDiff(fields, tuple([c for c in changes if c] + gone))


def _placed(principles: Sequence[Principle]) -> dict[str, _Placed]:
    """By key; in a draft a key may stand twice, and its twin is told as "key (2)"."""
    own = {principle.key for principle in principles}
    found: dict[str, _Placed] = {}
    for place, principle in enumerate(principles, start=1):
        key = principle.key
        if key in found:
            numbered = (f"{key} ({n})" for n in count(2))
            key = next(k for k in numbered if k not in found and k not in own)
        found[key] = (place, replace(principle, key=key))
    return found


def as_text(diff: ConstitutionDiff) -> str:
    """The difference for a terminal: + added, - removed, = renamed, ~ changed, > moved."""
    lines = [f"~ {field.name}: {field_text(field)}" for field in diff.fields]
    for change in diff.changes:
        place = f" (place {change.old_place} to {change.new_place})" if change.moved else ""
        was = f" (was {change.old.key})" if change.kind == "renamed" and change.old else ""
        lines.append(f"{_SIGNS[change.kind]} {change.key}{was}{place}")
        lines += [f"    {field.name}: {field_text(field)}" for field in change.fields]
        whole = change.new if change.kind == "added" else None
        if whole:
            lines.append(f"    {whole.text or whole.critique}")
    return "\n".join(lines) if lines else "no difference"


def field_text(field: FieldChange) -> str:
    """
    >>> field_text(FieldChange("weight", 1.0, 2.0))
    '1.0 -> 2.0'
    """
    if not field.parts:
        return f"{_shown(field.old)} -> {_shown(field.new)}"
    signs = {"same": "{}", "added": "[+{}+]", "removed": "[-{}-]"}
    return "".join(signs[part.op].format(part.text) for part in field.parts)


def _shown(value: object) -> str:
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


def _change(before: _Placed, after: _Placed, moved: bool) -> Change | None:
    (old_place, old), (new_place, new) = before, after
    fields = tuple(
        _field(name, getattr(old, name), getattr(new, name))
        for name in (*_WORDINGS, *_OTHERS)
        if getattr(old, name) != getattr(new, name)
    )
    if old.key == new.key and not fields and not moved:
        return None
    kind: Kind = "renamed" if old.key != new.key else "changed" if fields else "moved"
    return Change(new.key, kind, old, new, old_place, new_place, fields, moved)


def _field(name: str, old: object, new: object) -> FieldChange:
    if isinstance(old, str) and isinstance(new, str):
        return FieldChange(name, old, new, tuple(word_diff(old, new)))
    return FieldChange(name, old, new)


def _moved(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """The fewest of the same keys that must have moved: those outside a longest common order."""
    stayed = {
        old[i]
        for op in LCSseq.opcodes(old, new)
        if op.tag == "equal"
        for i in range(op.src_start, op.src_end)
    }
    return set(old) - stayed


def _renamed(before: Mapping[str, _Placed], after: Mapping[str, _Placed]) -> dict[str, str]:
    """New keys and the old ones that they stand for, the most alike first; each is used once."""
    gone = [p for key, (_, p) in before.items() if key not in after]
    come = [p for key, (_, p) in after.items() if key not in before]
    used = Counter(word for _, p in (*before.values(), *after.values()) for word in set(_words(p)))
    alike = [(_likeness(gone[i], come[j], used), i, j) for i, j in _may_be_one(gone, come, used)]
    olds: set[int] = set()
    found: dict[int, int] = {}
    for share, i, j in sorted(alike, key=lambda one: (-one[0], one[1:])):
        if share >= RENAMED_FROM and j not in found and i not in olds:
            found[j] = i
            olds.add(i)
    return {come[j].key: gone[i].key for j, i in found.items()}


def _may_be_one(
    gone: Sequence[Principle], come: Sequence[Principle], used: Counter[str]
) -> set[tuple[int, int]]:
    """Places of the pairs that can be alike at all, for all pairs would cost the square.

    They are worded the same (of several such one by one), or share a word that nobody else has.
    """
    own = [_holders(side, used) for side in (gone, come)]
    pairs = {(own[0][word], own[1][word]) for word in own[0].keys() & own[1].keys()}
    worded = [_by_wording(side) for side in (gone, come)]
    for wording, places in worded[0].items():
        pairs.update(zip(places, worded[1].get(wording, ()), strict=False))
    return pairs


def _holders(side: Sequence[Principle], used: Counter[str]) -> dict[str, int]:
    """Where a word stands that two principles of both sides have, or this one alone."""
    return {word: at for at, p in enumerate(side) for word in _words(p) if used[word] <= 2}


def _by_wording(side: Sequence[Principle]) -> dict[tuple[str, ...], list[int]]:
    found: dict[tuple[str, ...], list[int]] = {}
    for at, principle in enumerate(side):
        found.setdefault(tuple(getattr(principle, name) for name in _WORDINGS), []).append(at)
    return found


def _likeness(old: Principle, new: Principle, used: Counter[str]) -> float:
    """Share of their own words that both have in the same order; 1 where they are worded the same.

    Words that other principles use too ("which response is more") say nothing of what it asks.
    """
    if all(getattr(old, name) == getattr(new, name) for name in _WORDINGS):
        return 1.0
    sides = [_words(old), _words(new)]
    among = Counter(word for side in sides for word in set(side))
    own = [[word for word in side if used[word] == among[word]] for side in sides]
    return float(LCSseq.normalized_similarity(*own)) if all(own) else 0.0


def _words(principle: Principle) -> list[str]:
    return [
        word for name in _WORDINGS for word in _WORD.findall(getattr(principle, name).casefold())
    ]
