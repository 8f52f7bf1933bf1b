"""Worked examples that are shown in front: `fewshot/compare.jsonl` and `fewshot/revise.jsonl`.

They ship in `data/`; a file of the same name in the workspace stands in the place of a shipped one.
A stage is given examples and reads no file; who calls it asks `file_in_use` once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

from cai_core.errors import DataError
from cai_core.schema import Pair, Row, chat_from_row, chat_row, fields
from cai_core.settings import DATA_DIR, JudgeSetting, home

Kind = Literal["compare", "revise"]
T = TypeVar("T")


@dataclass(frozen=True)
class Worked:
    """A comparison with its answer; `reasoning` is shown where the judge reasons first."""

    pair: Pair
    principle: str
    verdict: Literal["a", "b"]
    reasoning: str = ""

    @classmethod
    def from_row(cls, row: object) -> "Worked":
        row = fields.as_object(row)
        prompt = chat_from_row(row.get("prompt"))
        a, b = fields.text(row, "response_a"), fields.text(row, "response_b")
        verdict = fields.choice(row, "verdict", ("a", "b"))
        if verdict is None:
            raise DataError("'verdict' is missing; it must be a or b", column="verdict")
        reasoning = fields.text(row, "reasoning", needed=False)
        return cls(Pair.of(prompt, a, b), fields.text(row, "principle"), verdict, reasoning)

    def to_row(self) -> Row:
        turns = self.pair.prompt
        alone = len(turns) == 1 and turns[0].role == "user"
        return {
            "prompt": turns[0].content if alone else chat_row(turns),
            "response_a": self.pair.response_a,
            "response_b": self.pair.response_b,
            "principle": self.principle,
            "verdict": self.verdict,
            "reasoning": self.reasoning,
        }


@dataclass(frozen=True)
class Example:
    """One worked round of critique and revision that shows a small model the two roles."""

    prompt: str
    response: str
    critique: str
    revision: str

    @classmethod
    def from_row(cls, row: object) -> "Example":
        row = fields.as_object(row)
        return cls(*(fields.text(row, name) for name in cls.__dataclass_fields__))

    def to_row(self) -> Row:
        return dict(vars(self))


_MADE: Mapping[Kind, Callable[[object], Worked | Example]] = {
    "compare": Worked.from_row,
    "revise": Example.from_row,
}


def chosen(examples: Sequence[Worked], count: int, *, reasoned: bool) -> tuple[Worked, ...]:
    """So many examples in turns, one better on each side, so that no letter leads.

    There are fewer where one side runs out. `reasoned`: only those that come with a reasoning.
    """
    usable = [one for one in examples if one.reasoning or not reasoned]
    sides = [[one for one in usable if one.verdict == verdict] for verdict in ("b", "a")]
    turns: list[Worked] = []
    while len(turns) < count:
        # b a a b b a a b: no letter is always the one before
        side = sides[(len(turns) + 1) // 2 % 2]
        if not side:
            break
        turns.append(side.pop(0))
    return tuple(turns)


def shipped_file(kind: Kind) -> Path:
    return DATA_DIR / "fewshot" / f"{kind}.jsonl"


def own_file(kind: Kind) -> Path:
    """Where the workspace's own examples stand, if there are some."""
    return home() / "fewshot" / f"{kind}.jsonl"


def file_in_use(kind: Kind, given: Path | None = None) -> Path:
    """The file that was named, else the workspace's own, else the shipped one."""
    if given:
        return given
    own = own_file(kind)
    return own if own.exists() else shipped_file(kind)


def save_own(kind: Kind, rows: Sequence[Row]) -> None:
    """Let these rows stand in place of the shipped ones, all of them or none.

    Raises:
        DataError: a bad row; says which.
    """
    made: list[Worked | Example] = []
    for number, row in enumerate(rows, start=1):
        try:
            made.append(_MADE[kind](row))
        except DataError as error:
            raise DataError(f"row {number}: {error.reason}", column=error.column) from error
    path = own_file(kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    lines = [json.dumps(one.to_row(), ensure_ascii=False) + "\n" for one in made]
    part.write_text("".join(lines), encoding="utf-8")
    part.replace(path)


def remove_own(kind: Kind) -> None:
    """Go back to the shipped ones."""
    own_file(kind).unlink(missing_ok=True)


def comparisons_in_use(setting: JudgeSetting, given: Path | None = None) -> tuple[Worked, ...]:
    """What a judge's examples are taken from; no file is read where none is shown.

    Raises:
        DataError: a bad row, or no such file.
    """
    return read_comparisons(file_in_use("compare", given)) if setting.examples else ()


def revisions_in_use(given: Path | None = None) -> tuple[Example, ...]:
    """The rounds that a reviser is shown. Raises DataError: a bad row, or no such file."""
    return read_revisions(file_in_use("revise", given))


@lru_cache(maxsize=1)
def shipped_comparisons() -> tuple[Worked, ...]:
    return read_comparisons(shipped_file("compare"))


@lru_cache(maxsize=1)
def shipped_revisions() -> tuple[Example, ...]:
    return read_revisions(shipped_file("revise"))


def rows_of(kind: Kind) -> list[Row]:
    """The rows in use, to be edited. Raises DataError: a bad row."""
    return [one.to_row() for one in _read(file_in_use(kind), _MADE[kind])]


def read_comparisons(path: Path) -> tuple[Worked, ...]:
    """Worked comparisons. Raises DataError: a bad row, with file, line and reason."""
    return _read(path, Worked.from_row)


def read_revisions(path: Path) -> tuple[Example, ...]:
    """Worked rounds of critique and revision. Raises DataError."""
    return _read(path, Example.from_row)


def _read(path: Path, made: Callable[[object], T]) -> tuple[T, ...]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise DataError("there is no such file of examples", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise DataError("is no text in UTF-8", file=str(path)) from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(made(json.loads(line)))
        except json.JSONDecodeError as error:
            raise DataError("not a JSON object", file=str(path), line=number) from error
        except DataError as error:
            raise DataError(
                error.reason, file=str(path), line=number, column=error.column
            ) from error
    return tuple(rows)
