"""What a form of training begins with: the defaults, a preset, a file, or the settings of a run.

A widget keeps what it had, so that each new beginning has a number, which is part of its keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from pydantic import BaseModel

from cai_core.errors import CaiError
from cai_core.train.configs import CONFIGS, ChainConfig, Method, of_values, presets, values_of
from ui import run_again
from ui.plain import label

_BEGUN = "train_begun"  # session state: what each form begins with, by method
_OPTIONS = ("data", "model", "reward_model")  # of a run's command, that a form chooses


@dataclass(frozen=True)
class Begin:
    """Values that differ from the defaults, where they come from, and the options of a run's command."""

    number: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    says: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def key(self, stem: str) -> str:
        """A widget key of this beginning; that of the first one is the stem alone."""
        return f"{stem}_{self.number}" if self.number else stem

    def values_of(self, stage: str) -> Mapping[str, Any]:
        """Of a chain: the values of one of its stages."""
        found = self.values.get(stage)
        return found if isinstance(found, Mapping) else {}


def begun(kind: str) -> Begin:
    """What the form of a method, or of the chain, begins with now."""
    found = st.session_state.get(_BEGUN, {}).get(kind)
    return found if isinstance(found, Begin) else Begin()


def begin(kind: str, values: Mapping[str, Any], says: str, options: Any = None) -> None:
    """Let the form of a method begin anew with these values."""
    number = begun(kind).number + 1
    made = Begin(number, dict(values), says, dict(options or {}))
    st.session_state[_BEGUN] = st.session_state.get(_BEGUN, {}) | {kind: made}


def take_run() -> str | None:
    """Fill the form of the run that somebody wants to start again from; its kind, once."""
    start = run_again.taken()
    if start is None:
        return None
    options = {name: start.options[name] for name in _OPTIONS if start.options.get(name)}
    begin(start.kind, start.settings, f"Filled from the run “{start.title}”.", options)
    return start.kind


def show_source(kind: str) -> None:
    """Say where the form's values come from, and offer a file and the defaults."""
    now = begun(kind)
    with st.container(horizontal=True, vertical_alignment="center"):
        _presets(kind, now)
        if now.says:
            st.caption(label(now.says, limit=300))
        with st.popover("Settings from a file", icon=":material/upload_file:", type="tertiary"):
            given = st.file_uploader(
                "YAML of settings", type=["yaml", "yml", "json"], key=now.key(f"file_{kind}")
            )
            if given is not None:
                _take_file(kind, given.getvalue(), given.name)
        if now.number:
            st.button(
                "Defaults",
                icon=":material/restart_alt:",
                key=f"defaults_{kind}",
                on_click=begin,
                args=(kind, {}, ""),
                type="tertiary",
            )


def _presets(kind: str, now: Begin) -> None:
    """Settings for a machine or after a paper, over which the form then goes on."""
    with st.popover("Presets", icon=":material/tune:", type="tertiary"):
        for one in presets.PRESETS:
            st.button(
                one.label,
                key=now.key(f"preset_{kind}_{one.key}"),
                on_click=begin,
                args=(kind, one.values(_config_of(kind)), f"{one.label}: {one.says}"),
                width="stretch",
            )
            st.caption(label(one.says, limit=300))


def _config_of(kind: str) -> type[BaseModel]:
    if kind == "chain":
        return ChainConfig
    method: Method = next(one for one in CONFIGS if one == kind)
    return CONFIGS[method]


def _take_file(kind: str, content: bytes, name: str) -> None:
    """Begin with the file's values where the method's configuration accepts them."""
    try:
        values = values_of(content, place=name)
        _checked(kind, values, name)
    except CaiError as error:
        st.error(str(error))
        return
    begin(kind, values, f"Filled from {name}.")
    st.rerun()


def _checked(kind: str, values: dict[str, Any], name: str) -> None:
    """Raises TrainError: a setting that the method does not know, or out of range."""
    if kind == "chain":
        needed = dict.fromkeys(("data", "prompts", "constitution"), "chosen on the page")
        of_values(ChainConfig, needed | values, place=f"{name}: ")
        return
    of_values(_config_of(kind), dict(values), place=f"{name}: ")
