"""Principles, constitutions, and the versions of one."""

import math
from dataclasses import dataclass
from typing import Self

from cai_core.errors import ConstitutionError, DataError
from cai_core.schema import fields
from cai_core.schema.fields import Row, content_hash

_TEXTS = ("text", "critique", "revision", "source")
_PRINCIPLE_FIELDS = {"key", *_TEXTS, "weight", "enabled", "tags"}


def _require_characters(value: str, what: str) -> None:
    if not fields.is_whole(value):
        raise ConstitutionError(f"{what} holds half of a surrogate pair; remove it")


@dataclass(frozen=True)
class Principle:
    """One rule. At least one of `text` (comparison wording) and `critique` is there.

    `source` is the passage of a longer document that it was made from; "" for most.
    """

    key: str
    text: str = ""
    critique: str = ""
    revision: str = ""
    weight: float = 1.0
    enabled: bool = True
    tags: tuple[str, ...] = ()
    source: str = ""

    @classmethod
    def from_row(cls, row: object) -> Self:
        """Raises ConstitutionError: a field of the wrong type, no wording, a negative weight."""
        if not isinstance(row, dict):
            raise ConstitutionError("a principle must be a mapping with key, text, critique, ...")
        key = row.get("key")
        if not isinstance(key, str) or not key.strip():
            raise ConstitutionError("a principle has no 'key'; give it a short unique name")
        unknown = {str(name) for name in set(row) - _PRINCIPLE_FIELDS}
        if unknown:
            raise ConstitutionError(f"principle '{key}' has an unknown field '{min(unknown)}'")
        wordings = {name: row.get(name) or "" for name in _TEXTS}
        for name, value in wordings.items():
            if not isinstance(value, str):
                raise ConstitutionError(f"principle '{key}': '{name}' must be a text")
            _require_characters(value, f"principle '{key}': '{name}'")
        weight = row.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not weight >= 0:
            raise ConstitutionError(f"principle '{key}': 'weight' must be a number of 0 or more")
        if not math.isfinite(weight):
            raise ConstitutionError(f"principle '{key}': 'weight' must be finite")
        if not isinstance(row.get("enabled", True), bool):
            raise ConstitutionError(f"principle '{key}': 'enabled' must be true or false")
        if not wordings["text"].strip() and not wordings["critique"].strip():
            raise ConstitutionError(
                f"principle '{key}' has neither a text nor a critique; write one"
            )
        _require_characters(key, "a key")
        try:
            tags = fields.tags(row)
        except DataError as error:
            raise ConstitutionError(f"principle '{key}': {error}") from error
        _require_characters("".join(tags), f"principle '{key}': a tag")
        enabled = bool(row.get("enabled", True))
        return cls(key.strip(), **wordings, weight=float(weight), enabled=enabled, tags=tags)

    def to_row(self) -> Row:
        """An empty source is left out, so that hashes made before there was one stay the same."""
        row = {
            "key": self.key,
            "text": self.text,
            "critique": self.critique,
            "revision": self.revision,
            "weight": self.weight,
            "enabled": self.enabled,
            "tags": list(self.tags),
        }
        return row | {"source": self.source} if self.source else row


@dataclass(frozen=True)
class Constitution:
    """Ordered principles with a name. A draft may be empty; `check` refuses what cannot be used."""

    name: str
    principles: tuple[Principle, ...] = ()
    description: str = ""

    @property
    def hash(self) -> str:
        """First 12 hex digits of SHA-256 over name and principles in order."""
        rows = [principle.to_row() for principle in self.principles]
        return content_hash({"name": self.name, "principles": rows}, digits=12)

    @property
    def enabled(self) -> tuple[Principle, ...]:
        return tuple(principle for principle in self.principles if principle.enabled)

    def principle(self, key: str) -> Principle:
        for principle in self.principles:
            if principle.key == key:
                return principle
        raise ConstitutionError(f"constitution '{self.name}' has no principle '{key}'")

    def check(self) -> Self:
        """Itself, or ConstitutionError: no name, no enabled principle, a key that stands twice."""
        if not self.name.strip():
            raise ConstitutionError("the constitution has no name; give it one")
        seen: set[str] = set()
        for principle in self.principles:
            if principle.key in seen:
                raise ConstitutionError(
                    f"the key '{principle.key}' stands twice; every principle needs its own"
                )
            seen.add(principle.key)
        if not self.enabled:
            raise ConstitutionError(
                f"constitution '{self.name}' has no enabled principle; add or enable one"
            )
        return self

    @classmethod
    def from_row(cls, row: object) -> Self:
        if not isinstance(row, dict):
            raise ConstitutionError("a constitution must be a mapping with name and principles")
        name, description = row.get("name"), row.get("description") or ""
        if not isinstance(name, str) or not isinstance(description, str):
            raise ConstitutionError("'name' and 'description' of a constitution must be texts")
        _require_characters(name + description, "the name or the description")
        principles = row.get("principles") or []
        if not isinstance(principles, list):
            raise ConstitutionError("'principles' must be a list")
        return cls(name, tuple(Principle.from_row(p) for p in principles), description)

    def to_row(self) -> Row:
        rows = [principle.to_row() for principle in self.principles]
        return {"name": self.name, "description": self.description, "principles": rows}


@dataclass(frozen=True)
class ConstitutionRef:
    """Which constitution something was made under; version is None for a file or a draft."""

    name: str
    hash: str
    version: int | None = None

    @classmethod
    def of(cls, constitution: Constitution, version: int | None = None) -> Self:
        return cls(constitution.name, constitution.hash, version)

    @classmethod
    def from_row(cls, row: object) -> "ConstitutionRef | None":
        if not isinstance(row, dict) or not row.get("hash"):
            return None
        return cls(str(row.get("name", "")), str(row["hash"]), row.get("version"))

    def to_row(self) -> Row:
        return {"name": self.name, "version": self.version, "hash": self.hash}


@dataclass(frozen=True)
class Version:
    """One immutable, numbered state of a constitution in the store."""

    id: str
    number: int
    constitution: Constitution
    parent: str | None
    author: str
    message: str
    created: str

    @property
    def ref(self) -> ConstitutionRef:
        return ConstitutionRef.of(self.constitution, self.number)

    @property
    def title(self) -> str:
        return f"{self.constitution.name}, version {self.number}"
