"""What changed from one constitution to another, principle by principle."""

from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import LCSseq

from cai_core.schema import Constitution, Principle
from cai_core.text import DiffPart, word_diff

_WORDINGS = ("text", "critique", "revision")
_OTHERS = ("weight", "enabled", "tags", "source")


@dataclass(frozen=True)
class FieldChange:
    """One field of a principle; `parts` is the difference by words, for wordings only."""

    name: str
    old: object
    new: object
    parts: tuple[DiffPart, ...] = ()


@dataclass(frozen=True)
class Change:
    """What happened to one principle. Places count from 1; None where it is not there."""

    key: str
    kind: Literal["added", "removed", "changed", "moved"]
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
    """The difference; a principle is known by its key."""
    before = {p.key: (place, p) for place, p in enumerate(old.principles, start=1)}
    after = {p.key: (place, p) for place, p in enumerate(new.principles, start=1)}
    moved = _moved(tuple(before), tuple(after))
    changes = [_change(key, before.get(key), after[key], key in moved) for key in after]
    gone = [
        Change(key, "removed", p, None, place, None)
        for key, (place, p) in before.items()
        if key not in after
    ]
    named = [_field(n, getattr(old, n), getattr(new, n)) for n in ("name", "description")]
    fields = tuple(field for field in named if field.old != field.new)
    return ConstitutionDiff(fields, tuple([c for c in changes if c] + gone))


def as_text(diff: ConstitutionDiff) -> str:
    """The difference for a terminal: + added, - removed, ~ changed, > moved."""
    lines = [f"~ {field.name}: {field_text(field)}" for field in diff.fields]
    for change in diff.changes:
        sign = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}[change.kind]
        place = f" (place {change.old_place} to {change.new_place})" if change.moved else ""
        lines.append(f"{sign} {change.key}{place}")
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


def _change(
    key: str, before: tuple[int, Principle] | None, after: tuple[int, Principle], moved: bool
) -> Change | None:
    new_place, new = after
    if before is None:
        return Change(key, "added", None, new, None, new_place)
    old_place, old = before
    fields = tuple(
        _field(name, getattr(old, name), getattr(new, name))
        for name in (*_WORDINGS, *_OTHERS)
        if getattr(old, name) != getattr(new, name)
    )
    if not fields and not moved:
        return None
    kind: Literal["changed", "moved"] = "changed" if fields else "moved"
    return Change(key, kind, old, new, old_place, new_place, fields, moved)


def _field(name: str, old: object, new: object) -> FieldChange:
    if isinstance(old, str) and isinstance(new, str):
        return FieldChange(name, old, new, tuple(word_diff(old, new)))
    return FieldChange(name, old, new)


def _moved(before: tuple[str, ...], after: tuple[str, ...]) -> set[str]:
    """The fewest keys that must have moved: those outside a longest common order."""
    old = [key for key in before if key in set(after)]
    new = [key for key in after if key in set(before)]
    stayed = {
        old[i]
        for op in LCSseq.opcodes(old, new)
        if op.tag == "equal"
        for i in range(op.src_start, op.src_end)
    }
    return set(old) - stayed
