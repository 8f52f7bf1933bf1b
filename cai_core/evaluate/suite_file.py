"""A suite as a YAML file that stands in git beside its constitution, in and out. Comments are not kept.

    cases:
      - id: tea
        prompt: How do I make tea?          # or a list of {role, content}
        expect: must keep the help
      - prompt: Is bleach safe with vinegar?
        response_a: Yes, they clean well together.
        response_b: No, that makes chlorine gas.
        expect: b must win
        p: 0.6

Whatever is wrong is refused with its line, and nothing is read: not UTF-8, not YAML, a field twice or
one that we do not know, an expectation that does not go with its case, two cases under one id.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from cai_core.errors import DataError
from cai_core.schema import Case

_WIDTH = 100
# What a block of plain lines cannot hold: other line breaks, signs that YAML escapes, white space at
# the end of a line or at the beginning of the text.
_NOT_PLAIN = re.compile(r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe]|[ \xa0]+(\n|$)|^\s")


def read(path: Path) -> tuple[Case, ...]:
    """Read a suite of at least one case.

    Raises:
        DataError: it cannot be read; says where and why.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=str(path)) from error
    return parse(data, name=str(path))


def parse(data: bytes | str, *, name: str = "suite") -> tuple[Case, ...]:
    """Read an upload or a text; `name` stands in front of errors."""
    text = _decoded(data, name) if isinstance(data, bytes) else data
    found = []
    for item in _items(text, name):
        try:
            found.append(Case.from_row(item.row))
        except DataError as error:
            line = item.lines.get(error.column, item.line)
            raise DataError(error.reason, file=name, line=line, column=error.column) from error
        item.lines.setdefault("id", item.line)
        _refuse_twin(found, item.lines["id"], name)
    return tuple(found)


def dump(cases: Sequence[Case]) -> str:
    """The YAML of a suite; `parse` gives the same cases back."""
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    file = io.StringIO()
    yaml.dump({"cases": [_styled(case.to_row()) for case in cases]}, file)
    return file.getvalue()


@dataclass(frozen=True)
class _Item:
    """A case as it stands in the file, and the line of each of its fields."""

    row: Any
    line: int
    lines: dict[str, int]


def _items(text: str, name: str) -> list[_Item]:
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        row = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise DataError(f"not YAML: {_problem(error)}", file=name, line=line) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise DataError("not YAML that can be read", file=name) from error
    if not isinstance(node, MappingNode) or not isinstance(row, dict):
        raise DataError("must be a mapping with 'cases'", file=name, line=1)
    for key, value in node.value:
        if key.value != "cases":
            said = f"unknown field '{_short(key.value)}'; there is 'cases' alone"
            raise DataError(said, file=name, line=_line(key))
        if isinstance(value, SequenceNode) and value.value:
            return [_item(*one) for one in zip(row["cases"], value.value, strict=True)]
    raise DataError("'cases' must be a list with at least one case", file=name, line=1)


def _item(row: Any, node: Node) -> _Item:
    lines = {}
    if isinstance(node, MappingNode):
        lines = {str(key.value): _line(key) for key, _ in node.value}
    return _Item(row, _line(node), lines)


def _short(value: object) -> str:
    return " ".join(str(value).split())[:40]


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _problem(error: MarkedYAMLError) -> str:
    return str(error.problem or error.context or "malformed").splitlines()[0]


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError("not UTF-8; save the file as UTF-8", file=name, line=line) from error


def _refuse_twin(found: Sequence[Case], line: int, name: str) -> None:
    newest = found[-1]
    if any(case.id == newest.id for case in found[:-1]):
        said = f"the id '{newest.id}' stands above already; every case needs its own"
        raise DataError(said, file=name, line=line, column="id")


def _styled(value: Any) -> Any:
    """Texts of several lines as blocks, which read and compare well; rare signs in double quotes."""
    if isinstance(value, Mapping):
        return {name: _styled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_styled(inner) for inner in value]
    if isinstance(value, str) and _NOT_PLAIN.search(value):
        return DoubleQuotedScalarString(value)
    if isinstance(value, str) and "\n" in value:
        return LiteralScalarString(value)
    return value
