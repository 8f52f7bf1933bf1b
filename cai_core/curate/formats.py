"""Prompts, answers, pairs, labels and revisions out of files: JSONL, JSON, CSV, text; gzip too.

A bad row is refused with its file, line and reason; with `skip_bad` it is left out and listed. A
row that stands twice counts once; one id with two contents is refused. Nothing is guessed silently.
`read_...` and `parse_...` hold every row; `stream_...` hold none, for files of any length.
"""

import hashlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Self, TypeGuard, TypeVar

from cai_core.curate.values import Parsed, read_bytes, values_in, values_of
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
    undone,
)


@dataclass(frozen=True)
class Answer:
    """A prompt with one good answer to learn from; `writer` is who corrected a model's into it."""

    prompt: Prompt
    text: str
    writer: str = ""

    @property
    def id(self) -> str:
        return content_hash(self.to_row())

    def to_row(self) -> Row:
        return {"prompt": chat_row(self.prompt.messages), "completion": self.text}

    @classmethod
    def from_row(cls, row: object) -> Self:
        """Read {prompt, completion, writer?}, or a pair whose better answer is known (chosen, or label)."""
        if isinstance(row, dict) and "completion" in row:
            text = row["completion"]
            if isinstance(text, list) and len(text) == 1 and isinstance(text[0], dict):
                text = text[0].get("content")
            if not isinstance(text, str) or not text.strip():
                raise DataError("'completion' must hold one answer with text", column="completion")
            rest = {k: v for k, v in row.items() if k not in ("completion", "writer")}
            return cls(_prompt(rest), text, writer=str(row.get("writer") or ""))
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
    """A row that was left out, and why; line 0: the reason says which one."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.reason}"


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
    return parse_prompts(read_bytes(path), name=str(path), skip_bad=skip_bad)


def read_pairs(path: Path, *, skip_bad: bool = False) -> Rows[Pair]:
    """Read {prompt, response_a, response_b}, {prompt, chosen, rejected} or raw hh dialogues.

    A row that says in `error` why it has no answers (see `sample-pairs`) is left out and listed.
    """
    return parse_pairs(read_bytes(path), name=str(path), skip_bad=skip_bad)


def read_labels(path: Path, *, skip_bad: bool = False) -> Rows[Label]:
    """Read labels; several may stand on one pair. Those that were taken back are not there."""
    return parse_labels(read_bytes(path), name=str(path), skip_bad=skip_bad)


def read_answers(path: Path, *, skip_bad: bool = False) -> Rows[Answer]:
    """Read good answers: {prompt, completion}, or pairs of which the better answer is taken."""
    return _parse(read_bytes(path), str(path), _ANSWER, skip_bad)


def read_revisions(path: Path, *, skip_bad: bool = False) -> Rows[Revision]:
    """Read revisions as `revise` writes them."""
    return _parse(read_bytes(path), str(path), _REVISION, skip_bad)


def parse_prompts(data: bytes, *, name: str, skip_bad: bool = False) -> Rows[Prompt]:
    """Read an upload; `name` tells its format and stands in errors."""
    return _parse(data, name, _PROMPT, skip_bad)


def parse_pairs(data: bytes, *, name: str, skip_bad: bool = False) -> Rows[Pair]:
    """Read an upload; `name` tells its format and stands in errors."""
    return _parse(data, name, _PAIR, skip_bad)


def parse_labels(data: bytes, *, name: str, skip_bad: bool = False) -> Rows[Label]:
    """Read an upload; `name` tells its format and stands in errors."""
    found = _parse(data, name, _LABEL, skip_bad)
    return replace(found, rows=tuple(one for one in found if not undone(one.extra)))


@dataclass(frozen=True)
class Stream(Generic[T]):
    """The rows of a file, each id once, read anew whenever they are gone through.

    Only ids and places are held. JSON lines and texts are read a line at a time, gzip too; a JSON list
    or a CSV file is parsed whole each time.
    """

    path: Path
    ids: Sequence[str]
    bad: tuple[BadRow, ...]
    _places: Sequence[int]  # of the rows among all in the file, from 0
    _read: Callable[[object], T]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[T]:
        """Raises DataError: the file is no longer what was checked."""
        places = iter(self._places)
        wanted = next(places, None)
        if wanted is None:
            return
        for place, (line, value) in enumerate(values_in(self.path)):
            if place == wanted:
                if isinstance(value, DataError):
                    raise DataError(value.reason, file=str(self.path), line=line)
                yield self._read(value)
                wanted = next(places, None)
                if wanted is None:
                    return
        raise DataError("rows are gone: it was changed while it was read", file=str(self.path))

    def without(self, done: Callable[[str], bool]) -> Self:
        """The rows whose id is not `done`."""
        left = [n for n, key in enumerate(self.ids) if not done(key)]
        places = array("Q", (self._places[n] for n in left))
        return replace(self, ids=[self.ids[n] for n in left], _places=places)


def stream_prompts(path: Path, *, skip_bad: bool = False) -> Stream[Prompt]:
    """Check a prompts file whole, as `read_prompts` does, and hold none of it."""
    return _stream(path, _PROMPT, skip_bad)


def stream_pairs(path: Path, *, skip_bad: bool = False) -> Stream[Pair]:
    """Check a file of pairs whole, as `read_pairs` does, and hold none of it."""
    return _stream(path, _PAIR, skip_bad)


def _stream(path: Path, form: "_Form[T]", skip_bad: bool) -> Stream[T]:
    check = _Check(form, str(path), skip_bad)
    ids: list[str] = []
    places = array("Q")
    for place, row, is_new in check.rows(values_in(path)):
        if is_new:
            ids.append(row.id)
            places.append(place)
    return Stream(path, ids, tuple(check.bad), places, form.read)


def _parse(data: bytes, name: str, form: "_Form[T]", skip_bad: bool) -> Rows[T]:
    """Rows in order, equal ones once."""
    check = _Check(form, name, skip_bad)
    rows: dict[bytes, T] = {}
    for _, row, _ in check.rows(values_of(data, name)):
        rows.setdefault(_digest(row.to_row()), row)
    return Rows(tuple(rows.values()), tuple(check.bad))


@dataclass(frozen=True)
class _Form(Generic[T]):
    """How a row is read, and what of it one id must agree on."""

    read: Callable[[object], T]
    content: Callable[[T], Row]


@dataclass
class _Check(Generic[T]):
    """One pass over a file that tells good rows from bad ones; contents are known by their hash."""

    form: _Form[T]
    name: str
    skip_bad: bool
    bad: list[BadRow] = field(default_factory=list)
    _contents: dict[str, bytes] = field(default_factory=dict)

    def rows(self, values: Parsed) -> Iterator[tuple[int, T, bool]]:
        """Place among all values, row, and whether its id is new.

        Raises:
            DataError: a bad row (unless `skip_bad`), or no good one at all.
        """
        for place, (line, value) in enumerate(values):
            try:
                if isinstance(value, DataError):
                    raise value
                if _has_no_answers(value):
                    self.bad.append(BadRow(self.name, line, str(value["error"])))
                    continue
                row = self.form.read(value)
                is_new = self._is_new(row)
            except DataError as error:
                if not self.skip_bad:
                    raise DataError(
                        error.reason, file=self.name, line=line, column=error.column
                    ) from error
                self.bad.append(BadRow(self.name, line, error.reason))
            else:
                yield place, row, is_new
        if not self._contents:
            raise DataError("there is no usable row in this file", file=self.name)

    def _is_new(self, row: T) -> bool:
        digest = _digest(self.form.content(row))
        there = self._contents.setdefault(row.id, digest)
        if there != digest:
            raise DataError(
                f"the id '{row.id}' stands here a second time with other content; give it an id of"
                " its own",
                column="id",
            )
        return there is digest


def _digest(row: Row) -> bytes:
    text = canonical_json(row).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()


def _has_no_answers(value: object) -> TypeGuard[Row]:
    """Whether it is a pair that could not be sampled."""
    if not isinstance(value, dict) or not value.get("error"):
        return False
    return "" in (value.get("response_a"), value.get("response_b")) and "verdict" not in value


def _judged_content(label: Label) -> Row:
    return replace(label.pair, label=None, annotator="").to_row()


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


_PROMPT = _Form(_prompt, Prompt.to_row)
_PAIR = _Form(Pair.from_row, Pair.to_row)
_LABEL = _Form(Label.from_row, _judged_content)
_ANSWER = _Form(Answer.from_row, Answer.to_row)
_REVISION = _Form(Revision.from_row, Revision.to_row)
