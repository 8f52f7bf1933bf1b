"""Labels as a table: one line a label, `review.blind` and its like in columns of their own."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cai_core.curate.label_json import labels_of, verdict_of
from cai_core.errors import DataError
from cai_core.schema import Chat, Label, Row, canonical_json, chat_row, user
from cai_core.schema.fields import as_object

_NUMBERS = ("p_a", "p_raw", "offset", "mass", "orders.ab", "orders.ba", "review.pi")
_WHOLE = ("seed", "constitution.version", "review.constitution_version")
_FLAGS = ("flipped", "inconsistent", "review.blind", "review.first", "review.clear")
_JSON = ("votes", "not_applicable", "panel", "extra")
_TEXTS = (
    *("id", "prompt", "response_a", "response_b", "kind", "annotator", "verdict"),
    *("method", "principles", "template", "constitution.name", "constitution.hash"),
    *("rationale", "error", "review.queue", "review.reviewer", "review.reasons"),
    *("review.note", "review.shown", "review.scope"),
)
COLUMNS = (
    *("id", "prompt", "response_a", "response_b", "kind", "annotator", "verdict", "p_a"),
    *("review.blind", "review.first", "review.queue", "review.pi", "review.reviewer"),
    *("review.constitution_version", "review.clear", "review.reasons", "review.note"),
    *("review.shown", "review.scope", "method", "principles", "template", "constitution.name"),
    *("constitution.version", "constitution.hash", "seed", "mass", "offset", "flipped"),
    *("inconsistent", "p_raw", "orders.ab", "orders.ba", "rationale", "error", *_JSON),
)
_OF_A_JUDGE = ("judge", "method", "principles", "template", "constitution.hash")


def labels_in(value: object, *, annotator: str) -> tuple[Label, ...]:
    """The labels of one line. It is a person's unless `kind` says otherwise or a judge's column is filled.

    Raises:
        DataError: what is wrong with the line.
    """
    cells = as_object(value)
    row: Row = {}
    for column, cell in cells.items():
        _put(row, column, _read(column, cell))
    if "verdict" not in row and "error" in row:
        row["verdict"] = None
    if "verdict" in row and "kind" not in row:
        row["kind"] = "judge" if any(column in cells for column in _OF_A_JUDGE) else "person"
    return labels_of(row.pop("extra", {}) | row, annotator=annotator)


def _put(row: Row, column: str, value: Any) -> None:
    """Under `review.blind` lies `blind` of `review`."""
    outer, dot, inner = column.partition(".")
    if dot and column in COLUMNS:
        row.setdefault(outer, {})[inner] = value
    else:
        row[column] = value


def _read(column: str, cell: Any) -> Any:
    if column in _NUMBERS:
        return _number(column, cell, float)
    if column in _WHOLE:
        return _number(column, cell, int)
    if column in _FLAGS:
        return _flag(column, cell)
    if column in _JSON:
        return _json(column, cell)
    if column == "prompt":
        return _chat_or_text(cell)
    if column == "review.reasons":
        return _reasons(cell)
    if column in ("verdict", "label"):
        return verdict_of(cell) or cell
    return cell


def _number(column: str, cell: str, kind: type[float] | type[int]) -> float | int:
    try:
        return kind(cell)
    except ValueError:
        raise DataError(
            f"'{column}' is '{cell[:40]}' and must be a number", column=column
        ) from None


def _flag(column: str, cell: str) -> bool:
    said = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = said.get(cell.strip().lower())
    if found is None:
        raise DataError(f"'{column}' is '{cell[:40]}' and must be true or false", column=column)
    return found


def _json(column: str, cell: str) -> Any:
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list if column == "panel" else dict):
        raise DataError(f"'{column}' is no JSON that can be read", column=column)
    return found


def _chat_or_text(cell: str) -> Any:
    """Turns where the cell is JSON of turns; else it is what the user says."""
    if cell.lstrip().startswith("[") and '"role"' in cell:
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            return cell
    return cell


def _reasons(cell: str) -> list[str]:
    if cell.startswith("["):
        try:
            return list(map(str, json.loads(cell)))
        except (ValueError, RecursionError, TypeError):
            pass
    return [reason.strip() for reason in cell.split(";") if reason.strip()]


def pieces(labels: Iterable[Label]) -> Iterator[str]:
    """The table, a line at a time, its header first."""
    yield _line(COLUMNS)
    for label in labels:
        cells = _cells(label)
        yield _line([_written(cells.get(column)) for column in COLUMNS])


def _cells(label: Label) -> Row:
    row = label.to_row()
    row |= {"annotator": row.pop("judge"), "prompt": _prompt_cell(label.pair.prompt)}
    for outer in ("orders", "constitution", "review"):
        row |= {f"{outer}.{inner}": value for inner, value in (row.pop(outer, None) or {}).items()}
    row.pop("disagreement", None)
    row["review.reasons"] = row.get("review.reasons") or None
    row["extra"] = {key: row[key] for key in row if key not in COLUMNS}
    return row


def _prompt_cell(prompt: Chat) -> str:
    """What one user says, as it is; several turns, and what looks like them, as JSON."""
    if len(prompt) == 1 and prompt[0] == user(prompt[0].content):
        text = prompt[0].content
        if isinstance(_chat_or_text(text), str):
            return text
    return canonical_json(chat_row(prompt))


def _written(value: Any) -> str:
    if value is None or value == {}:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list):
        return canonical_json(value)
    return repr(value) if isinstance(value, float) else str(value)


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(cells)  # with \r\n, so that cells with either are quoted
    return out.getvalue()
