"""Start again from a run's settings: the train page opens with its form filled as that run had it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cai_core.store import work
from ui import job_cards

_START = "train_start"  # session state: the run that the train page begins from
TRAIN_PAGE = "pages/train.py"


@dataclass(frozen=True)
class Start:
    """What a new training begins from: a run's kind, its settings and the options of its command."""

    kind: str
    settings: Mapping[str, Any]
    options: Mapping[str, Any]
    title: str

    @classmethod
    def of(cls, job: work.Job) -> "Start":
        settings = job.config.get("settings") or {}
        return cls(job.kind, settings, job.config.get("options") or {}, job.title)


def button(job: work.Job) -> None:
    """Draw the button where the run is a training whose settings are known."""
    if job.kind not in job_cards.TRAINING or "settings" not in job.config:
        return
    if st.button(
        "Start again from these settings",
        icon=":material/restart_alt:",
        key=f"again_{job.id}",
        type="tertiary",
    ):
        st.session_state[_START] = Start.of(job)
        st.switch_page(TRAIN_PAGE)


def taken() -> Start | None:
    """The run to begin from, once."""
    found = st.session_state.pop(_START, None)
    return found if isinstance(found, Start) else None
