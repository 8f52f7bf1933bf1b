"""Prompts and pairs that stay pinned beside the editor while a constitution is written."""

from dataclasses import dataclass

import streamlit as st

from cai_core.errors import DataError
from cai_core.schema import Chat, Pair, Prompt

PINS = "try_pins"  # session state: the pins, in the order they were made
MOST = 10


@dataclass(frozen=True)
class Pin:
    """A prompt, or a pair where two answers are given."""

    prompt: Chat
    pair: Pair | None = None

    @property
    def id(self) -> str:
        return self.pair.id if self.pair else Prompt.of(self.prompt).id

    @property
    def title(self) -> str:
        return self.prompt[-1].content


def pins() -> list[Pin]:
    return st.session_state.setdefault(PINS, [])  # type: ignore[no-any-return]


def add_pin(pin: Pin) -> None:
    """Pin it, unless it is pinned. Raises DataError: ten are."""
    if any(there.id == pin.id for there in pins()):
        return
    if len(pins()) >= MOST:
        raise DataError(f"{MOST} are pinned already; take one away first")
    pins().append(pin)


def drop_pin(pin_id: str) -> None:
    st.session_state[PINS] = [pin for pin in pins() if pin.id != pin_id]
