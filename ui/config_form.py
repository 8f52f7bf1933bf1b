"""A form made from a pydantic configuration: one input a field, with its range and its help."""

import math
from collections.abc import Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

COLUMNS = 3


def config_form(kind: type[BaseModel], *, first: Sequence[str], key: str) -> dict[str, Any]:
    """Draw the fields named in `first`, the others behind "More settings".

    Returns:
        Only the values that differ from the defaults, ready for the configuration file.
    """
    plain = {n: f for n, f in kind.model_fields.items() if _is_plain(f.annotation)}
    values = _fields({name: plain[name] for name in first}, key)
    rest = {name: field for name, field in plain.items() if name not in first}
    with st.expander("More settings", icon=":material/tune:"):
        values |= _fields(rest, key)
    if "lora" in kind.model_fields:
        values |= _lora(kind.model_fields["lora"], key)
    return values


def _fields(fields: dict[str, FieldInfo], key: str) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    columns = st.columns(COLUMNS)
    for place, (name, field) in enumerate(fields.items()):
        with columns[place % COLUMNS]:
            value = _input(name, field, f"{key}_{name}")
        if value != field.default:
            changed[name] = value
    return changed


def _input(name: str, field: FieldInfo, key: str) -> Any:
    label, kind = name.replace("_", " "), _bare(field.annotation)
    help_text = field.description or None
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return st.selectbox(
            label,
            options,
            index=options.index(field.default),
            help=help_text,
            key=key,
            persist_state="session",
        )
    if kind is bool and _may_be_empty(field.annotation):
        choice = st.selectbox(
            label, ("automatic", "on", "off"), help=help_text, key=key, persist_state="session"
        )
        return {"automatic": None, "on": True, "off": False}[choice]
    if kind is bool:
        return st.toggle(
            label, value=field.default, help=help_text, key=key, persist_state="session"
        )
    if kind is str:
        return st.text_input(
            label, value=field.default or "", help=help_text, key=key, persist_state="session"
        )
    return _number(label, field, key, whole=kind is int)


def _number(label: str, field: FieldInfo, key: str, *, whole: bool) -> float | int | None:
    low, high = _range(field)
    cast = int if whole else float
    return st.number_input(
        label,
        value=None if field.default is None else cast(field.default),
        min_value=None if low is None else cast(low),
        max_value=None if high is None else cast(high),
        step=1 if whole else _step(field.default),
        format="%d" if whole else "%g",
        help=field.description,
        placeholder="empty",
        key=key,
        persist_state="session",
    )


def _lora(field: FieldInfo, key: str) -> dict[str, Any]:
    on = st.toggle(
        "Train low-rank adapters (LoRA) instead of all weights",
        help="Less memory; the adapters are merged into the result.",
        key=f"{key}_lora",
        persist_state="session",
    )
    if not on:
        return {}
    kind = _bare(field.annotation)
    return {"lora": _fields(dict(kind.model_fields), f"{key}_lora")}


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
