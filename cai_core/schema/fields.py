"""Checked fields of a row; what is wrong is a DataError that names the field."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from cai_core.errors import DataError

Row = dict[str, Any]


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical_json(value: object) -> str:
    """One text for one value: sorted keys, no spaces, UTF-8 kept.

    >>> canonical_json({"b": 1, "a": "é"})
    '{"a":"é","b":1}'
    """
    return _CANONICAL.encode(value)


def content_hash(value: object, *, digits: int = 16) -> str:
    """First `digits` hex digits of SHA-256 over the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()[
        :digits
    ]


def is_whole(value: str) -> bool:
    """Whether no character is half of a surrogate pair, which no file and no database takes.

    >>> is_whole("tea"), is_whole("\\ud800")
    (True, False)
    """
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def text(row: Mapping[str, Any], column: str, *, needed: bool = True) -> str:
    value = row.get(column, "")
    if not isinstance(value, str):
        raise DataError(f"'{column}' must be a text", column=column)
    if needed and not value.strip():
        raise DataError(f"'{column}' is missing or empty; fill it", column=column)
    return value


def probability(row: Mapping[str, Any], column: str) -> float | None:
    value = row.get(column)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DataError(f"'{column}' must be a number from 0 to 1", column=column)
    return float(value)


def number(row: Mapping[str, Any], column: str) -> float | None:
    value = row.get(column)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"'{column}' must be a number", column=column)
    return float(value)


def choice(row: Mapping[str, Any], column: str, allowed: Sequence[str]) -> Any:
    value = row.get(column)
    if value is not None and value not in allowed:
        raise DataError(
            f"'{column}' is {value!r}; it must be one of {', '.join(allowed)}", column=column
        )
    return value


def tags(row: Mapping[str, Any]) -> tuple[str, ...]:
    value = row.get("tags") or []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(tag, str) for tag in value):
        raise DataError("'tags' must be a list of texts", column="tags")
    return tuple(value)


def as_object(row: object) -> Row:
    if not isinstance(row, dict):
        raise DataError("a row must be a JSON object")
    return row


def extra(row: Row, known: set[str]) -> Row:
    return {key: value for key, value in row.items() if key not in known}
