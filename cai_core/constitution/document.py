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
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from cai_core.constitution.plain_text import bytes_of, decoded, fault, require_few
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle

_FIELDS = ("name", "description", "principles")
_WIDTH = 100
_DEEPEST = 20  # a tag of a principle stands 4 deep
# What its constructors raise where a tag does not fit its value, as in `!!int ''` or `!!bool x`.
_UNREADABLE = (LookupError, AttributeError, TypeError, OverflowError)
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


def _row_and_lines(text: str, name: str) -> tuple[dict[str, Any], list[int]]:
    """The document as plain values, and the line on which each principle begins."""
    try:
        _refuse_depth(text, name)
        yaml = YAML(typ="safe", pure=True)
        node = yaml.compose(text)
        row = yaml.constructor.construct_document(node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise fault(name, line, f"not YAML: {_problem(error)}") from error
    except ConstitutionError:
        raise
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise fault(name, line, "not YAML: a character that may not stand there") from error
    except (YAMLError, ValueError, RecursionError, *_UNREADABLE) as error:
        raise fault(name, None, "not YAML that can be read") from error
    if not isinstance(node, MappingNode) or not isinstance(row, dict):
        raise fault(name, 1, "must be a mapping with name and principles")
    listed = _principles_node(node, name)
    return row, [_line(item) for item in listed.value]


def _refuse_depth(text: str, name: str) -> None:
    """Brackets in brackets take a time that grows with their square; events come one by one."""
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        if depth > _DEEPEST:
            line = event.start_mark.line + 1
            raise fault(name, line, "is nested too deep to be a constitution")


def _principles_node(node: MappingNode, name: str) -> SequenceNode:
    listed = None
    for key, value in node.value:
        if key.value not in _FIELDS:
            known = ", ".join(_FIELDS)
            field = key.value if isinstance(key, ScalarNode) else "a list or mapping"
            raise fault(name, _line(key), f"unknown field '{field}'; there are {known}")
        if key.value == "principles":
            listed = value
    if not isinstance(listed, SequenceNode) or not listed.value:
        raise fault(name, None, "'principles' must be a list with at least one principle")
    return listed


def _problem(error: MarkedYAMLError) -> str:
    return str(error.problem or error.context or "malformed").splitlines()[0]


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


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
