"""JSON whose every value knows its line, so that what is wrong in it can be named."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from cai_core.constitution.plain_text import fault

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONSTANTS = {"NaN", "Infinity", "-Infinity"}
Kind = Literal["text", "list", "object", "other"]


@dataclass(frozen=True)
class Node:
    """One value. `items` belong to a list, `fields` to an object, in the order of the file."""

    line: int
    kind: Kind
    text: str = ""
    items: list["Node"] = field(default_factory=list)
    fields: dict[str, "Node"] = field(default_factory=dict)


@dataclass(frozen=True)
class _Token:
    line: int
    raw: str


def parse(text: str, *, name: str) -> Node:
    """The tree of a JSON text.

    Raises:
        ConstitutionError: not JSON, NaN or Infinity, half a surrogate pair, a name twice in one object,
            nested too deep.
    """
    try:
        json.loads(text, parse_int=float)  # an int of over 4,300 digits would raise
    except json.JSONDecodeError as error:
        raise fault(name, error.lineno, f"not JSON: {error.msg}") from error
    except RecursionError as error:
        raise fault(name, None, "is nested too deep to be a constitution") from error
    return _tree(_tokens(text), name)


def _tokens(text: str) -> Iterator[_Token]:
    line, at = 1, 0
    for found in _TOKEN.finditer(text):
        line += text.count("\n", at, found.start())
        at = found.start()
        yield _Token(line, found.group())


def _tree(tokens: Iterator[_Token], name: str) -> Node:
    """The tokens are those of valid JSON: what opens is closed, and names stand before values."""
    root = Node(0, "list")
    open_nodes, key = [root], None
    for token in tokens:
        parent, raw = open_nodes[-1], token.raw
        if raw in "}]":
            open_nodes.pop()
        elif raw == "," or raw == ":":
            continue
        elif parent.kind == "object" and key is None:
            key = _string(token, name)
            _refuse_twin(parent, key, token, name)
        else:
            node = _value(token, name)
            _put(parent, key, node)
            key = None
            if raw in "{[":
                open_nodes.append(node)
    return root.items[0]


def _value(token: _Token, name: str) -> Node:
    if token.raw in _CONSTANTS:
        raise fault(name, token.line, f"{token.raw} is no JSON; remove it")
    if token.raw == "{":
        return Node(token.line, "object")
    if token.raw == "[":
        return Node(token.line, "list")
    if token.raw.startswith('"'):
        return Node(token.line, "text", _string(token, name))
    return Node(token.line, "other", token.raw)


def _string(token: _Token, name: str) -> str:
    """Half a surrogate pair, which only an escape can write, is no character."""
    text = str(json.loads(token.raw))
    if _SURROGATE.search(text):
        raise fault(name, token.line, "a text holds half of a surrogate pair; remove it")
    return text


def _put(parent: Node, key: str | None, node: Node) -> None:
    if key is None:
        parent.items.append(node)
    else:
        parent.fields[key] = node


def _refuse_twin(parent: Node, key: str, token: _Token, name: str) -> None:
    if key in parent.fields:
        raise fault(
            name,
            token.line,
            f"the name '{key}' stands on line {parent.fields[key].line} already; every entry"
            " needs its own",
        )
