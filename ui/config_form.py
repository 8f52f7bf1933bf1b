"""A form made from a pydantic configuration: one input a field, with its range and its help."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

COLUMNS = 3


Start = Mapping[str, Any]


def config_form(
    kind: type[BaseModel], *, first: Sequence[str], key: str, start: Start = MappingProxyType({})
) -> dict[str, Any]:
    """Draw the fields named in `first`, the others behind "More settings".

    Args:
        start: what the form begins with where it is not the default; another start needs another
            `key`, because a widget keeps what it had.
    Returns:
        Only the values that differ from the defaults, ready for the configuration file.
    """
    plain = {n: f for n, f in kind.model_fields.items() if _is_plain(f.annotation)}
    values = _fields({name: plain[name] for name in first}, key, start)
    rest = {name: field for name, field in plain.items() if name not in first}
    changed = sum(name in start for name in rest)
    says = f"More settings ({changed} set)" if changed else "More settings"
    with st.expander(says, icon=":material/tune:"):
        values |= _fields(rest, key, start)
    if "lora" in kind.model_fields:
        values |= _lora(kind.model_fields["lora"], key, start.get("lora"))
    return values


def _fields(fields: dict[str, FieldInfo], key: str, start: Start) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    columns = st.columns(COLUMNS)
    for place, (name, field) in enumerate(fields.items()):
        with columns[place % COLUMNS]:
            value = _input(name, field, f"{key}_{name}", start.get(name, field.default))
        if value != field.default:
            changed[name] = value
    return changed


def _input(name: str, field: FieldInfo, key: str, now: Any) -> Any:
    label, kind = name.replace("_", " "), _bare(field.annotation)
    help_text = field.description or None
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return st.selectbox(
            label,
            options,
            index=options.index(now),
            help=help_text,
            key=key,
            persist_state="session",
        )
    if kind is bool and _may_be_empty(field.annotation):
        words = {"automatic": None, "on": True, "off": False}
        choice = st.selectbox(
            label,
            list(words),
            index=list(words.values()).index(now),
            help=help_text,
            key=key,
            persist_state="session",
        )
        return words[choice]
    if kind is bool:
        return st.toggle(label, value=now, help=help_text, key=key, persist_state="session")
    if kind is str:
        return st.text_input(
            label, value=now or "", help=help_text, key=key, persist_state="session"
        )
    return _number(label, field, key, now)


def _number(label: str, field: FieldInfo, key: str, now: Any) -> float | int | None:
    low, high = _range(field)
    whole = _bare(field.annotation) is int
    cast = int if whole else float
    return st.number_input(
        label,
        value=None if now is None else cast(now),
        min_value=None if low is None else cast(low),
        max_value=None if high is None else cast(high),
        step=1 if whole else _step(field.default),
        format="%d" if whole else "%g",
        help=field.description,
        placeholder="empty",
        key=key,
        persist_state="session",
    )


def _lora(field: FieldInfo, key: str, now: Start | None) -> dict[str, Any]:
    on = st.toggle(
        "Train low-rank adapters (LoRA) instead of all weights",
        value=now is not None,
        help="Less memory; the adapters are merged into the result.",
        key=f"{key}_lora",
        persist_state="session",
    )
    if not on:
        return {}
    kind = _bare(field.annotation)
    return {"lora": _fields(dict(kind.model_fields), f"{key}_lora", now or {})}


def _is_plain(annotation: Any) -> bool:
    kind = _bare(annotation)
    return kind in (int, float, bool, str) or get_origin(kind) is Literal


def _bare(annotation: Any) -> Any:
    """The type without `| None`."""
    if get_origin(annotation) in (Union, UnionType):
        return next(a for a in get_args(annotation) if a is not type(None))
    return annotation


def _may_be_empty(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def _step(default: float | None) -> float:
    """One press changes a number by one of its first digit.

    >>> _step(2e-5), _step(0.95), _step(0.0)
    (1e-05, 0.1, 0.01)
    """
    return 10.0 ** math.floor(math.log10(default)) if default else 0.01


def _range(field: FieldInfo) -> tuple[float | None, float | None]:
    """Bounds for the widget; that an open bound is not itself allowed, the configuration says."""
    low = high = None
    for rule in field.metadata:
        low = getattr(rule, "ge", getattr(rule, "gt", low))
        high = getattr(rule, "le", getattr(rule, "lt", high))
    return low, high
