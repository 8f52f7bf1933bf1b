"""Read a frozen dataset for training: `train.jsonl, dev.jsonl, test.jsonl, manifest.json`.

A single JSONL file is read as a train split alone. Every row is checked before any model loads.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cai_core.errors import DataError, TrainError
from cai_core.schema import SPLITS, Row, Split, chat_from_row, chat_row

Kind = Literal["sft", "preference", "prompts"]
LABELLED_BY = ("people", "corrected", "rule", "judge", "")  # "": a dataset that does not say


@dataclass(frozen=True)
class TrainingData:
    """The checked rows of a dataset by split; `hash` names its content."""

    path: Path
    kind: Kind
    splits: Mapping[Split, tuple[Row, ...]]
    hash: str
    manifest: Row = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, kind: Kind) -> "TrainingData":
        """Read and check every row.

        Raises:
            TrainError: not there, of another kind, or without a row to train on.
            DataError: a row that cannot be used, with file, line and column.
        """
        if not path.exists():
            raise TrainError(f"there is no dataset at {path}; build one with `dataset build`")
        files = _files(path)
        manifest = _manifest(path)
        if manifest.get("kind") not in (None, kind):
            raise TrainError(f"{path} is a dataset of kind {manifest['kind']}, not {kind}")
        splits = {split: _read(file, kind) for split, file in files.items()}
        if not splits.get("train"):
            raise TrainError(
                f"{path} has no row in its train split; there is nothing to learn from"
            )
        return cls(path, kind, splits, str(manifest.get("hash") or _hash(files)), manifest)

    @property
    def certificate(self) -> Row | None:
        """How often its labels agree with people: stamped on the dataset, else in its manifest."""
        stamped = _json(self.path / "certificate.json") if self.path.is_dir() else None
        found = stamped or self.manifest.get("certificate")
        return found if isinstance(found, dict) else None

    @property
    def train(self) -> tuple[Row, ...]:
        return self.splits["train"]

    def split(self, name: Split) -> tuple[Row, ...]:
        return self.splits.get(name, ())

    @property
    def sizes(self) -> dict[str, int]:
        return {name: len(rows) for name, rows in self.splits.items()}


def _files(path: Path) -> dict[Split, Path]:
    if path.is_file():
        return {"train": path}
    return {
        split: path / f"{split}.jsonl" for split in SPLITS if (path / f"{split}.jsonl").exists()
    }


def _manifest(path: Path) -> Row:
    file = path / "manifest.json"
    if not file.exists():
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError("it is not readable as JSON", file=str(file)) from error
    return value if isinstance(value, dict) else {}


def _json(file: Path) -> Row | None:
    """None where it is not there or cannot be read."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _hash(files: Mapping[Split, Path]) -> str:
    digest = hashlib.sha256()
    for split, file in sorted(files.items()):
        digest.update(split.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _read(file: Path, kind: Kind) -> tuple[Row, ...]:
    rows = []
    # not splitlines(): U+2028 and its like may stand inside a JSON string
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError("not a JSON object", file=str(file), line=number) from error
        try:
            rows.append(_CHECKS[kind](row))
        except DataError as error:
            place = {"file": str(file), "line": number, "column": error.column}
            raise DataError(error.reason, **place) from error  # type: ignore[arg-type]
    return tuple(rows)


def _sft(row: Row) -> Row:
    return {"prompt": _chat(row), "completion": _answer(row, "completion")}


def _preference(row: Row) -> Row:
    checked: Row = {"prompt": _chat(row)}
    checked |= {name: _answer(row, name) for name in ("chosen", "rejected")}
    checked["p_chosen"] = _number(row, "p_chosen", low=0.0, high=1.0)
    checked["weight"] = _number(row, "weight", low=0.0, high=math.inf)
    checked["source"] = str(row.get("source") or "harmless")
    checked["labelled_by"] = _labelled_by(row)
    for name in ("p_people", "p_judge"):
        checked[name] = None
        if row.get(name) is not None:
            checked[name] = _number(row, name, low=0.0, high=1.0)
    return checked


def _labelled_by(row: Row) -> str:
    value = row.get("labelled_by") or ""
    if value not in LABELLED_BY:
        known = ", ".join(filter(None, LABELLED_BY))
        raise DataError(f"'labelled_by' must be one of {known}", column="labelled_by")
    return str(value)


def _prompts(row: Row) -> Row:
    tags = row.get("tags") if isinstance(row, dict) else None
    known = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return {"prompt": _chat(row)} | ({"tags": known} if known else {})


_CHECKS = {"sft": _sft, "preference": _preference, "prompts": _prompts}


def _chat(row: Any) -> list[Row]:
    if not isinstance(row, dict):
        raise DataError("a row must be a JSON object")
    return chat_row(chat_from_row(row.get("prompt")))


def _answer(row: Row, column: str) -> list[Row]:
    """One assistant turn, given as a text or as a list that holds that turn."""
    value = row.get(column)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0].get("content") if value[0].get("role") == "assistant" else None
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"'{column}' must hold one assistant turn with text", column=column)
    return [{"role": "assistant", "content": value}]


def _number(row: Row, column: str, *, low: float, high: float) -> float:
    value = row.get(column, 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise DataError(f"'{column}' must be a number from {low:g} to {high:g}", column=column)
    return float(value)
