"""A constitution as a YAML file, in and out. Comments are not kept.

Whatever is wrong is refused with its line: not UTF-8, empty, not YAML, a field twice, a field that
we do not know, a principle that cannot be used, two principles under one key.
"""

import re
from pathlib import Path
from typing import Any

from ruamel.yaml.nodes import MappingNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from cai_core.constitution.plain_text import bytes_of, decoded, fault, require_few
from cai_core.constitution.yaml_tree import composed, key_name, line_of, written
from cai_core.errors import ConstitutionError, DataError
from cai_core.schema import Constitution, Principle

_FIELDS = ("name", "description", "principles")
_RARE_BREAK = re.compile("[\r\x85\u2028\u2029]")


def read(path: Path) -> Constitution:
    """Read a constitution that can be used.

    Raises:
        ConstitutionError: it cannot be read or used; says where and why.
    """
    return parse(bytes_of(path), name=str(path))


def parse(data: bytes | str, *, name: str = "constitution") -> Constitution:
    """Read an upload or an edited text; `name` stands in front of errors."""
    row, lines = _row_and_lines(decoded(data, name), name)
    require_few(len(lines), name)
    principles = []
    for line, value in zip(lines, row["principles"], strict=True):
        try:
            principles.append(Principle.from_row(value))
        except ConstitutionError as error:
            raise fault(name, line, str(error)) from error
    _refuse_twins(principles, lines, name)
    try:
        head = Constitution.from_row({**row, "principles": []})
        return Constitution(head.name, tuple(principles), head.description).check()
    except ConstitutionError as error:
        raise fault(name, None, str(error)) from error


def dump(constitution: Constitution) -> str:
    """The YAML of a constitution; `parse` gives the same constitution back."""
    return written(_quoted(constitution.to_row()))


def _quoted(value: Any) -> Any:
    """Texts with a rare line break in double quotes: elsewhere YAML would fold it into a space."""
    if isinstance(value, dict):
        return {name: _quoted(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_quoted(inner) for inner in value]
    if isinstance(value, str) and _RARE_BREAK.search(value):
        return DoubleQuotedScalarString(value)
    return value


def _row_and_lines(text: str, name: str) -> tuple[dict[str, Any], list[int]]:
    """The document as plain values, and the line on which each principle begins."""
    try:
        tree = composed(text, name, must_be="a mapping with name and principles")
    except DataError as error:
        raise fault(name, error.line, error.reason) from error
    listed = _principles_node(tree.node, name)
    return tree.row, [line_of(item) for item in listed.value]


def _principles_node(node: MappingNode, name: str) -> SequenceNode:
    listed = None
    for key, value in node.value:
        if key.value not in _FIELDS:
            known = ", ".join(_FIELDS)
            said = f"unknown field '{key_name(key)}'; there are {known}"
            raise fault(name, line_of(key), said)
        if key.value == "principles":
            listed = value
    if not isinstance(listed, SequenceNode) or not listed.value:
        raise fault(name, None, "'principles' must be a list with at least one principle")
    return listed


def _refuse_twins(principles: list[Principle], lines: list[int], name: str) -> None:
    seen: dict[str, int] = {}
    for principle, line in zip(principles, lines, strict=True):
        if principle.key in seen:
            raise fault(
                name,
                line,
                f"the key '{principle.key}' stands on line {seen[principle.key]}"
                " already; every principle needs its own",
            )
        seen[principle.key] = line
