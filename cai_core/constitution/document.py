"""A constitution as a YAML file, in and out. Comments are not kept.

Whatever is wrong is refused with its line: not UTF-8, empty, not YAML, a field twice, a field that
we do not know, a principle that cannot be used, two principles under one key.
"""

import io
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle

_FIELDS = ("name", "description", "principles")
_WIDTH = 100
_RARE_BREAK = re.compile("[\r\x85\u2028\u2029]")


def read(path: Path) -> Constitution:
    """Read a constitution that can be used.

    Raises:
        ConstitutionError: it cannot be read or used; says where and why.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConstitutionError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(data, name=str(path))


def parse(data: bytes | str, *, name: str = "constitution") -> Constitution:
    """Read an upload or an edited text; `name` stands in front of errors."""
    text = _decoded(data, name) if isinstance(data, bytes) else data
    if not text.strip():
        raise ConstitutionError(f"{name}: the file is empty; write a name and principles")
    row, lines = _row_and_lines(text, name)
    principles = []
    for line, value in zip(lines, row["principles"], strict=True):
        try:
            principles.append(Principle.from_row(value))
        except ConstitutionError as error:
            raise ConstitutionError(f"{name}:{line}: {error}") from error
    _refuse_twins(principles, lines, name)
    try:
        head = Constitution.from_row({**row, "principles": []})
        return Constitution(head.name, tuple(principles), head.description).check()
    except ConstitutionError as error:
        raise ConstitutionError(f"{name}: {error}") from error


def dump(constitution: Constitution) -> str:
    """The YAML of a constitution; `parse` gives the same constitution back."""
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    file = io.StringIO()
    yaml.dump(_quoted(constitution.to_row()), file)
    return file.getvalue()


def _quoted(value: Any) -> Any:
    """Texts with a rare line break in double quotes: elsewhere YAML would fold it into a space."""
    if isinstance(value, dict):
        return {name: _quoted(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_quoted(inner) for inner in value]
    if isinstance(value, str) and _RARE_BREAK.search(value):
        return DoubleQuotedScalarString(value)
    return value


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConstitutionError(f"{name}:{line}: not UTF-8; save the file as UTF-8") from error


def _row_and_lines(text: str, name: str) -> tuple[dict[str, Any], list[int]]:
    """The document as plain values, and the line on which each principle begins."""
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        row = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}" if mark else name
        raise ConstitutionError(f"{place}: not YAML: {_problem(error)}") from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConstitutionError(f"{name}: not YAML that can be read") from error
    if not isinstance(node, MappingNode) or not isinstance(row, dict):
        raise ConstitutionError(f"{name}:1: must be a mapping with name and principles")
    fields = {key.value: (key, value) for key, value in node.value}
    for field, (key, _) in fields.items():
        if field not in _FIELDS:
            known = ", ".join(_FIELDS)
            raise ConstitutionError(
                f"{name}:{_line(key)}: unknown field '{field}'; there are {known}"
            )
    listed = fields.get("principles", (None, None))[1]
    if not isinstance(listed, SequenceNode) or not listed.value:
        raise ConstitutionError(f"{name}: 'principles' must be a list with at least one principle")
    return row, [_line(item) for item in listed.value]


def _problem(error: MarkedYAMLError) -> str:
    return str(error.problem or error.context or "malformed").splitlines()[0]


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _refuse_twins(principles: list[Principle], lines: list[int], name: str) -> None:
    seen: dict[str, int] = {}
    for principle, line in zip(principles, lines, strict=True):
        if principle.key in seen:
            raise ConstitutionError(
                f"{name}:{line}: the key '{principle.key}' stands on line {seen[principle.key]}"
                " already; every principle needs its own"
            )
        seen[principle.key] = line
