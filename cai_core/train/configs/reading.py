"""A configuration from a YAML file and from `key=value` of the command line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cai_core.errors import TrainError
from cai_core.settings import validation_sentence
from cai_core.train.configs import presets

Config = TypeVar("Config", bound=BaseModel)


def load_config(
    kind: type[Config],
    path: Path | None = None,
    overrides: Sequence[str] = (),
    *,
    preset: str = "",
) -> Config:
    """Read a configuration: a preset's values, over them the file's, over those `key=value` overrides.

    `lora.r=8` reaches into a group. A file may name its preset itself (`preset: cpu`); one that is
    given here counts instead.

    Raises:
        TrainError: unreadable, an unknown key, or a value out of range; says which.
    """
    values = _read_yaml(path) if path else {}
    if preset:
        values["preset"] = preset
    return of_values(kind, values, overrides, place=f"{path}: " if path else "")


def of_values(
    kind: type[Config], values: dict[str, Any], overrides: Sequence[str] = (), *, place: str = ""
) -> Config:
    """A configuration of values that were read; `place` stands before what is wrong.

    The value `preset` names what lies under them.

    Raises:
        TrainError: an unknown key, or a value out of range; says which.
    """
    for override in overrides:
        key, sign, text = override.partition("=")
        if not sign or not key.strip():
            raise TrainError(f"--set {override!r} is not of the form key=value")
        _put(values, key.strip().split("."), _scalar(text, override))
    try:
        return kind.model_validate(_over_preset(kind, values))
    except ValidationError as error:
        raise TrainError(f"{place}{validation_sentence(error)}") from error


def _over_preset(kind: type[Config], values: dict[str, Any]) -> dict[str, Any]:
    """The values with those of the preset that they name under them."""
    name = values.get("preset")
    laid = presets.over(str(name), kind, values) if name else dict(values)
    if not name or "preset" not in kind.model_fields:
        laid.pop("preset", None)
    return laid


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainError(f"{path} cannot be read: {error.strerror}") from error
    return values_of(content, place=str(path))


def values_of(content: bytes, *, place: str) -> dict[str, Any]:
    """The settings in a YAML file's bytes.

    Raises:
        TrainError: not YAML, or no mapping.
    """
    try:
        value = YAML(typ="safe").load(content.decode("utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        first = " ".join(str(error).split())[:200]
        raise TrainError(f"{place} cannot be read as YAML: {first}") from error
    if value is not None and not isinstance(value, dict):
        raise TrainError(f"{place} must hold a mapping of settings")
    return value or {}


def _scalar(text: str, override: str) -> Any:
    """A YAML scalar; numbers such as 1e-5, which YAML 1.2 core and JSON read, become numbers."""
    try:
        value = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise TrainError(f"--set {override!r}: the value cannot be read as YAML") from error
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _put(values: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = values.setdefault(key, {})
        if not isinstance(inner, dict):
            raise TrainError(f"'{key}' is not a group of settings")
        values = inner
    values[keys[-1]] = value
