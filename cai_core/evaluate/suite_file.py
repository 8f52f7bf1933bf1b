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

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from cai_core.constitution.plain_text import text_of
from cai_core.constitution.yaml_tree import composed, key_name, line_of, written
from cai_core.errors import DataError
from cai_core.schema import Case

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
    found: list[Case] = []
    for item in _items(text_of(data, name), name):
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
    return written({"cases": [_styled(case.to_row()) for case in cases]})


@dataclass(frozen=True)
class _Item:
    """A case as it stands in the file, and the line of each of its fields."""

    row: Any
    line: int
    lines: dict[str, int]


def _items(text: str, name: str) -> list[_Item]:
    tree = composed(text, name, must_be="a mapping with 'cases'")
    for key, value in tree.node.value:
        if key.value != "cases":
            said = f"unknown field '{key_name(key)}'; there is 'cases' alone"
            raise DataError(said, file=name, line=line_of(key))
        if isinstance(value, SequenceNode) and value.value:
            return [_item(*one) for one in zip(tree.row["cases"], value.value, strict=True)]
    raise DataError("'cases' must be a list with at least one case", file=name, line=1)


def _item(row: Any, node: Node) -> _Item:
    lines = {}
    if isinstance(node, MappingNode):
        lines = {str(key.value): line_of(key) for key, _ in node.value}
    return _Item(row, line_of(node), lines)


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
