"""Files of labels made elsewhere: which form one has, and its labels in their order, read as asked for.

A file is known by what it holds, never by its name. JSON lines and tables are read a line at a time,
packed ones too; a JSON list or document is held whole.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from cai_core.curate import annotated_pairs, argilla, label_csv, values
from cai_core.curate.label_json import NAMELESS, labels_of
from cai_core.curate.values import Shape
from cai_core.errors import DataError
from cai_core.schema import EVENT, Label, Row

Form = Literal["labels", "pairs", "csv", "annotated-pairs", "argilla"]
FORMS: tuple[Form, ...] = get_args(Form)
OUT: tuple[Form, ...] = ("labels", "csv", "annotated-pairs", "argilla")
TITLES: Mapping[Form, str] = {
    "labels": "labels (JSON lines)",
    "pairs": "labelled pairs (JSON lines)",
    "csv": "a table (CSV)",
    "annotated-pairs": "annotated pairs of Inverse CAI (JSON)",
    "argilla": "records of Argilla (JSON)",
}
ENDINGS: Mapping[Form, str] = {
    "labels": ".jsonl",
    "pairs": ".jsonl",
    "csv": ".csv",
    "annotated-pairs": ".json",
    "argilla": ".json",
}
NOT_HELD: Mapping[Form, str] = {
    "annotated-pairs": "seeds, masses, the two orders, panels and what stood beside a row; of several"
    " judgements under one setting the newest stays",
    "argilla": "votes, settings of judges, how a person came to a verdict, and all judgements of a pair but"
    " the newest",
}
_COLUMNS = re.compile(r"\b(response_a|text_a|chosen)\b")


@dataclass(frozen=True)
class LabelFile:
    """A file of labels, read anew whenever it is gone through.

    Args:
        annotator: who gave verdicts that name nobody.
    """

    path: Path
    form: Form
    shape: Shape | None  # None: one JSON document
    annotator: str = NAMELESS

    @property
    def name(self) -> str:
        return str(self.path)

    def __iter__(self) -> Iterator[tuple[int, tuple[Label, ...] | DataError]]:
        """The 1-based line of each row (0 in a document), and its labels or what is wrong with it.

        Raises:
            DataError: the file as a whole cannot be read.
        """
        if self.shape is None:
            yield from self._comparisons()
            return
        for line, value in values.shaped(self.path, self.shape):
            yield line, value if isinstance(value, DataError) else self._labels(value)

    def _labels(self, value: object) -> tuple[Label, ...] | DataError:
        read = label_csv.labels_in if self.form == "csv" else _read_row
        try:
            return read(value, annotator=self.annotator)
        except DataError as error:
            return error

    def _comparisons(self) -> Iterator[tuple[int, tuple[Label, ...] | DataError]]:
        document: Any = values.document(self.path)
        found = annotated_pairs.comparisons_of(document, name=self.name)
        read = annotated_pairs.reader(document, annotator=self.annotator)
        for number, comparison in enumerate(found, start=1):
            value = values.sound(comparison)
            try:
                if isinstance(value, DataError):
                    raise value
                yield 0, read(value)
            except DataError as error:
                yield 0, DataError(f"comparison {number}: {error.reason}", column=error.column)


def _read_row(value: object, *, annotator: str) -> tuple[Label, ...]:
    if isinstance(value, dict) and "verdict" not in value and argilla.is_record(value):
        return argilla.labels_in(value, annotator=annotator)
    return labels_of(value, annotator=annotator)


def open_labels(path: Path, *, form: Form | None = None, annotator: str = NAMELESS) -> LabelFile:
    """Find out what a file is; `form` says it where that cannot be told.

    Raises:
        DataError: it cannot be read, or holds no labels of a form that we know.
    """
    head = values.head_of(path)
    shape, row = _shape(head), _first_row(head)
    found: Form | None = "csv" if shape in ("csv", "tsv") else _form_of(row) if row else None
    if found is None and '"comparisons"' in head and head.lstrip().startswith("{"):
        found = "annotated-pairs"
    chosen = form or found
    if chosen is None:
        raise DataError(f"{_unknown(row)}; say what it is with --as", file=str(path))
    if (chosen == "csv") != (shape in ("csv", "tsv")):
        raise DataError(f"it is not {TITLES[chosen]}", file=str(path))
    if chosen == "csv" and not _COLUMNS.search(head.partition("\n")[0]):
        raise DataError(
            "no table of labels: its first line has no column 'response_a'", file=str(path)
        )
    return LabelFile(path, chosen, None if chosen == "annotated-pairs" else shape, annotator)


def _shape(head: str) -> Shape:
    text = head.lstrip()
    if text.startswith("["):
        return "list"
    if text.startswith("{"):
        return "lines"
    return "tsv" if "\t" in text.partition("\n")[0] else "csv"


def _first_row(head: str) -> Row | None:
    """The first object of JSON lines or of a list, where the head holds it whole."""
    text = head.lstrip()
    start = text.find("{")
    if not text.startswith(("[", "{")) or start < 0:
        return None
    try:
        row = json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _form_of(row: Row) -> Form | None:
    if "comparisons" in row:
        return "annotated-pairs"
    if argilla.is_record(row):
        return "argilla"
    if "verdict" in row:
        return "labels"
    return "pairs" if {"response_a", "chosen"} & row.keys() else None


def _unknown(row: Row | None) -> str:
    if not row:
        return "neither JSON nor a table of labels that can be read"
    named = ", ".join(str(key)[:30] for key in list(row)[:6])
    return f"holds no labels of a form that is known here (its first row has {named})"


def pieces(labels: Iterable[Label], form: Form) -> Iterator[str]:
    """The text of a file of this form, a piece at a time; labels of one pair follow each other."""
    if form == "csv":
        return label_csv.pieces(labels)
    if form == "annotated-pairs":
        made = datetime.now(UTC).isoformat(timespec="seconds")
        return annotated_pairs.pieces(labels, made=made)
    if form == "argilla":
        return argilla.pieces(labels)
    return lines(label.to_row() for label in labels)


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """JSON lines."""
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def event_row(label: Label, event: Row) -> Row:
    """A label's row with the event that brought it; an undone one is not read again."""
    return label.to_row() | {EVENT: event}
