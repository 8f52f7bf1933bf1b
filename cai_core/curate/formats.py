"""Prompts, answers, pairs, labels and revisions out of files: JSONL, JSON, CSV, text; gzip too.

A bad row is refused with its file, line and reason; with `skip_bad` it is left out and listed. A
row that stands twice counts once; one id with two contents is refused. Nothing is guessed silently.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Self, TypeGuard, TypeVar

from cai_core.errors import DataError
from cai_core.schema import (
    Label,
    Pair,
    Prompt,
    Revision,
    Row,
    assistant,
    canonical_json,
    chat_row,
    content_hash,
    hh_dialogue,
)

Parsed = Iterator[tuple[int, object | DataError]]  # 1-based line, and the row or its fault
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Answer:
    """A prompt with one good answer to learn from."""

    prompt: Prompt
    text: str

    @property
    def id(self) -> str:
        return content_hash(self.to_row())

    def to_row(self) -> Row:
        return {"prompt": chat_row(self.prompt.messages), "completion": self.text}

    @classmethod
    def from_row(cls, row: object) -> Self:
        """Read {prompt, completion}, or a pair whose better answer is known (chosen, or label a or b)."""
        if isinstance(row, dict) and "completion" in row:
            text = row["completion"]
            if isinstance(text, list) and len(text) == 1 and isinstance(text[0], dict):
                text = text[0].get("content")
            if not isinstance(text, str) or not text.strip():
                raise DataError("'completion' must hold one answer with text", column="completion")
            return cls(_prompt({k: v for k, v in row.items() if k != "completion"}), text)
        pair = Pair.from_row(row)
        if pair.label not in ("a", "b"):
            raise DataError(
                "no 'completion', and no 'chosen' or 'label' that says which answer is good"
            )
        better = pair.response_a if pair.label == "a" else pair.response_b
        return cls(Prompt.of(pair.prompt, split=pair.extra.get("split")), better)


T = TypeVar("T", Prompt, Answer, Pair, Label, Revision)


@dataclass(frozen=True)
class BadRow:
    """A row that was left out, and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True)
class Rows(Generic[T]):
    """What a file holds, in its order: the good rows, and those that were left out."""

    rows: tuple[T, ...]
    bad: tuple[BadRow, ...] = ()

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def read_prompts(path: Path, *, skip_bad: bool = False) -> Rows[Prompt]:
    """Read a prompts file; a text file holds one prompt a line.

    Raises:
        DataError: a bad row (unless `skip_bad`), not UTF-8, no row at all, an id with two contents.
    """
    return parse_prompts(_bytes(path), name=str(path), skip_bad=skip_bad)


def read_pairs(path: Path, *, skip_bad: bool = False) -> Rows[Pair]:
    """Read {prompt, response_a, response_b}, {prompt, chosen, rejected} or raw hh dialogues.

    A row that says in `error` why it has no answers (see `sample-pairs`) is left out and listed.
    """
    return parse_pairs(_bytes(path), name=str(path), skip_bad=skip_bad)


def read_labels(path: Path, *, skip_bad: bool = False) -> Rows[Label]:
    """Read labels; several may stand on one pair."""
    return parse_labels(_bytes(path), name=str(path), skip_bad=skip_bad)


def read_answers(path: Path, *, skip_bad: bool = False) -> Rows[Answer]:
    """Read good answers: {prompt, completion}, or pairs of which the better answer is taken."""
    return _parse(_bytes(path), str(path), Answer.from_row, Answer.to_row, skip_bad)


def read_revisions(path: Path, *, skip_bad: bool = False) -> Rows[Revision]:
    """Read revisions as `revise` writes them."""
    data = _bytes(path)
    return _parse(data, str(path), Revision.from_row, Revision.to_row, skip_bad)


def parse_prompts(data: bytes, *, name: str, skip_bad: bool = False) -> Rows[Prompt]:
    """Read an upload; `name` tells its format and stands in errors."""
    return _parse(data, name, _prompt, Prompt.to_row, skip_bad)


def parse_pairs(data: bytes, *, name: str, skip_bad: bool = False) -> Rows[Pair]:
    """Read an upload; `name` tells its format and stands in errors."""
    return _parse(data, name, Pair.from_row, Pair.to_row, skip_bad)


def parse_labels(data: bytes, *, name: str, skip_bad: bool = False) -> Rows[Label]:
    """Read an upload; `name` tells its format and stands in errors."""
    return _parse(data, name, Label.from_row, _judged_content, skip_bad)


def _parse(
    data: bytes,
    name: str,
    read: Callable[[object], T],
    content: Callable[[T], Row],
    skip_bad: bool,
) -> Rows[T]:
    """Rows in order, equal ones once; `content` is what one id must agree on."""
    rows: dict[str, T] = {}
    contents: dict[str, str] = {}
    bad: list[BadRow] = []
    for line, value in _values(_decoded(data, name), name):
        try:
            if isinstance(value, DataError):
                raise value
            if _has_no_answers(value):
                bad.append(BadRow(name, line, str(value["error"])))
                continue
            row = read(value)
            _check_id(row.id, canonical_json(content(row)), contents)
            rows.setdefault(canonical_json(row.to_row()), row)
        except DataError as error:
            if not skip_bad:
                raise DataError(error.reason, file=name, line=line, column=error.column) from error
            bad.append(BadRow(name, line, error.reason))
    if not rows:
        raise DataError("there is no usable row in this file", file=name)
    return Rows(tuple(rows.values()), tuple(bad))


def _has_no_answers(value: object) -> TypeGuard[Row]:
    """Whether it is a pair that could not be sampled."""
    if not isinstance(value, dict) or not value.get("error"):
        return False
    return "" in (value.get("response_a"), value.get("response_b")) and "verdict" not in value


def _judged_content(label: Label) -> Row:
    return replace(label.pair, label=None, annotator="").to_row()


def _check_id(id_: str, content: str, contents: dict[str, str]) -> None:
    if contents.setdefault(id_, content) != content:
        raise DataError(
            f"the id '{id_}' stands here a second time with other content; give it an id of its own",
            column="id",
        )


def _prompt(row: object) -> Prompt:
    """A prompt; a raw hh dialogue is read into its turns, up to the last one of the user."""
    if isinstance(row, dict) and isinstance(row.get("prompt"), str):
        text = row["prompt"].strip()
        if text.startswith("Human:") and "\n\nAssistant:" in text:
            turns = hh_dialogue(text)
            if turns[-1] == assistant(""):  # the dialogue ends where the answer is to begin
                turns = turns[:-1]
            row = {**row, "prompt": chat_row(turns)}
    return Prompt.from_row(row)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=str(path)) from error


def _decoded(data: bytes, name: str) -> str:
    if data.startswith(_GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError("the gzip file is damaged or cut off", file=name) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError("not UTF-8; save the file as UTF-8", file=name, line=line) from error
    if not text.strip():
        raise DataError("the file is empty", file=name)
    return text


def _values(text: str, name: str) -> Parsed:
    """The rows of a file by its ending; JSON is also told by its first character."""
    ending = Path(name.lower().removesuffix(".gz")).suffix
    if ending in (".csv", ".tsv"):
        return _csv(text, name, "\t" if ending == ".tsv" else ",")
    if ending == ".txt":
        lines = enumerate(text.split("\n"), start=1)
        return ((number, {"prompt": line.strip()}) for number, line in lines if line.strip())
    if text.lstrip().startswith("["):
        return _json_list(text, name)
    return _json_lines(text)


def _json_lines(text: str) -> Parsed:
    # not splitlines(): U+2028 and its like may stand inside a JSON string
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _json(line)


def _json(line: str) -> object | DataError:
    try:
        value: object = json.loads(line, parse_constant=_no_constant)
    except DataError as error:
        return error
    except ValueError as error:
        return DataError(f"not a JSON object: {str(error).partition(':')[0].lower()}")
    except RecursionError:
        return DataError("not a JSON object: nested too deeply")
    return _sound(value)


def _no_constant(name: str) -> None:
    raise DataError(f"{name} is no number in JSON; write null")


def _sound(value: object) -> object | DataError:
    try:
        canonical_json(value).encode()
    except UnicodeEncodeError:
        return DataError("a text holds half a character (a lone surrogate); write it anew")
    except RecursionError:
        return DataError("not a JSON object: nested too deeply")
    return value


def _json_list(text: str, name: str) -> Parsed:
    """One JSON list; rows are placed by the line on which they begin."""
    try:
        values = json.loads(text, parse_constant=_no_constant)
    except DataError as error:
        raise DataError(error.reason, file=name) from error
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg.lower()}", file=name, line=error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise DataError("not JSON that can be read", file=name) from error
    decoder, place = json.JSONDecoder(), text.index("[") + 1
    for value in values:
        while text[place] in " \t\r\n,":
            place += 1
        yield text.count("\n", 0, place) + 1, _sound(value)
        place = decoder.raw_decode(text, place)[1]


def _csv(text: str, name: str, delimiter: str) -> Parsed:
    """Rows under a header; empty cells are left out, `tags` are parted by semicolons."""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    began = 1  # the line on which a row begins; csv counts where it ends
    try:
        began = reader.line_num + 1 if reader.fieldnames else began
        for cells in reader:
            if None in cells:
                yield began, DataError("more cells than the header has")
            else:
                row: Row = {column: cell for column, cell in cells.items() if cell}
                if "tags" in row:
                    row["tags"] = [tag.strip() for tag in row["tags"].split(";") if tag.strip()]
                yield began, row
            began = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"not a CSV file: {error}", file=name, line=began) from error
