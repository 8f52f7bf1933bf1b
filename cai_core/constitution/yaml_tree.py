"""YAML from anybody as plain values, with the nodes that know the lines. Also what suites are read with."""

import io
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from cai_core.errors import DataError

_WIDTH = 100
_DEEPEST = 20  # a tag of a principle stands 4 deep, a turn of a case's prompt 5
# What its constructors raise where a tag does not fit its value, as in `!!int ''` or `!!bool x`.
_UNREADABLE = (LookupError, AttributeError, TypeError, OverflowError)
_LONGEST = 200  # characters of what the parser says


@dataclass(frozen=True)
class Tree:
    """A document that is a mapping: as plain values, and as nodes."""

    row: dict[str, Any]
    node: MappingNode


def composed(text: str, name: str, *, must_be: str) -> Tree:
    """Read one document.

    Args:
        must_be: what is said where it is no mapping, as "a mapping with 'cases'".
    Raises:
        DataError: not YAML, nested too deep, an anchor twice, no mapping; with its line where known.
    """
    try:
        _refuse_knots(text, name)
        yaml = YAML(typ="safe", pure=True)
        node = yaml.compose(text)
        row = yaml.constructor.construct_document(node) if node else None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise DataError(f"not YAML: {_problem(error)}", file=name, line=line) from error
    except DataError:
        raise
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        said = "not YAML: a character that may not stand there"
        raise DataError(said, file=name, line=line) from error
    except (YAMLError, ValueError, RecursionError, *_UNREADABLE) as error:
        raise DataError("not YAML that can be read", file=name) from error
    if not isinstance(node, MappingNode) or not isinstance(row, dict):
        raise DataError(f"must be {must_be}", file=name, line=1)
    return Tree(row, node)


def _refuse_knots(text: str, name: str) -> None:
    """Brackets in brackets take a time that grows with their square; events come one by one."""
    depth = 0
    anchors: set[str] = set()
    for event in YAML(typ="safe", pure=True).parse(text):
        line = event.start_mark.line + 1
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        if depth > _DEEPEST:
            raise DataError("is nested too deep to be read", file=name, line=line)
        if isinstance(event, NodeEvent) and event.anchor and not isinstance(event, AliasEvent):
            if event.anchor in anchors:
                said = f"the anchor '&{event.anchor[:40]}' stands above already; name it otherwise"
                raise DataError(said, file=name, line=line)
            anchors.add(event.anchor)


def _problem(error: MarkedYAMLError) -> str:
    return str(error.problem or error.context or "malformed").splitlines()[0][:_LONGEST]


def line_of(node: Node) -> int:
    return int(node.start_mark.line) + 1


def key_name(key: Node) -> str:
    """The name of a field for an error, on one line."""
    if not isinstance(key, ScalarNode):
        return "a list or mapping"
    return " ".join(str(key.value).split())[:40]


def written(value: object) -> str:
    """As YAML."""
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    file = io.StringIO()
    yaml.dump(value, file)
    return file.getvalue()
