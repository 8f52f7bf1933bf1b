"""Train all three: one form for SFT, sampled pairs, judging, gate, reward model, preview, PPO, comparison."""

import json
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.document import dump
from cai_core.jobs import queue
from cai_core.models import catalogue
from cai_core.schema import Version
from cai_core.settings import DATA_DIR, Settings
from cai_core.store import constitutions
from cai_core.store.datasets import Dataset
from cai_core.train.configs import CONFIGS
from ui import judge_choices, train_choices, train_single, train_start
from ui.config_form import config_form
from ui.plain import shorten
from ui.train_start import Begin

TITLE = "All three"
HELPFUL = DATA_DIR / "helpful_pairs.jsonl"
STEPS = (
    "SFT → two answers a prompt from that policy → judge → gate → reward model → "
    "what does it love? → PPO → comparison → a one-page report"
)
_FIRST = {
    "sft": ("num_train_epochs", "learning_rate", "max_steps"),
    "reward": ("num_train_epochs", "learning_rate", "max_steps"),
    "ppo": ("total_episodes", "learning_rate", "kl_coef"),
}

# Of a preset or a file, and not in the form.
_UNSEEN = ("sampling", "gate", "best_of_n", "best_of_n_prompts", "comparison_prompts")


def show(db: Database) -> None:
    """The form of the chain and its start button."""
    st.caption(STEPS)
    begin = train_start.begun("chain")
    train_start.show_source("chain")
    left, right = st.columns(2)
    with left:
        data = train_choices.dataset(
            db, "sft", key=begin.key("chain_sft"), wanted=begin.values.get("data", "")
        )
        prompts = train_choices.dataset(
            db, "prompts", key=begin.key("chain_prompts"), wanted=begin.values.get("prompts", "")
        )
        model = train_choices.trainable_models(
            key=begin.key("chain_model"), wanted=begin.values.get("model", "")
        )
    with right:
        version = _version(db)
        judge = _judge()
    values = {name: begin.values[name] for name in _UNSEEN if name in begin.values}
    values |= _choices(begin)
    for stage_name, first in _FIRST.items():
        title, stage = next(
            (t, s) for t, s in train_single.STAGES.items() if s.method == stage_name
        )
        with st.expander(f"{title} settings", icon=":material/tune:"):
            values[stage.method] = config_form(
                CONFIGS[stage.method],
                first=first,
                key=begin.key(f"chain_{stage.method}"),
                start=begin.values_of(stage.method),
            )
    if data is None or prompts is None or version is None:
        return
    values = {k: v for k, v in values.items() if v not in ({}, None)}
    values |= {"data": str(data.path), "prompts": str(prompts.path), "model": model}
    values |= {"constitution": "constitution.yaml", "judge": judge}
    train_single.start_button(_submission(data, version, values))


def _submission(data: Dataset, version: Version, values: dict[str, Any]) -> queue.Submission:
    return queue.Submission(
        kind="chain",
        title=f"All three on {data.name}",
        options={"config": train_single.CONFIG_FILE},
        files={
            train_single.CONFIG_FILE: json.dumps(values, indent=2),
            "constitution.yaml": dump(version.constitution),
        },
        constitution=version.ref,
        config={"dataset": data.id, "settings": values},
    )


def _version(db: Database) -> Version | None:
    found = constitutions.newest_of_each(db)
    if not found:
        st.info("The judge needs a constitution: save one first.", icon=":material/info:")
        return None
    return st.selectbox(
        "Constitution of the judge",
        found,
        format_func=_name,
        key="chain_version",
        persist_state="session",
    )


def _name(version: Version) -> str:
    return f"{version.constitution.name} v{version.number} · {shorten(version.message, 50)}"


def _judge() -> dict[str, Any]:
    """The workspace's judge setting, with what can be chosen open to change."""
    settings = Settings.load()
    setting = settings.judge
    ids = [item.id for item in catalogue.known(settings)]
    ids.sort(key=lambda name: name != setting.model)
    chosen = {
        "model": st.selectbox("Judge", ids, key="chain_judge", persist_state="session"),
        "method": _one_of("Method", ("logprob", "cot", "repeat"), setting.method, "chain_method"),
        "principles": _one_of(
            "Principles", ("each", "draw", "whole"), setting.principles, "chain_principles"
        ),
    }
    with st.expander("Panel and wording of the judge", icon=":material/tune:"):
        chosen |= judge_choices.choose_fine(setting, key="chain_judge")
    setting = setting.model_copy(update=chosen)
    judge_choices.say_builtin(setting)
    return setting.model_dump(mode="json")


def _one_of(label: str, options: tuple[str, ...], now: str, key: str) -> str:
    return st.selectbox(label, options, index=options.index(now), key=key, persist_state="session")


def _choices(begin: Begin) -> dict[str, Any]:
    """What concerns no single stage."""
    helpful = begin.values.get("helpful") or {}
    mixed = bool(helpful) if begin.values else True
    left, right = st.columns(2)
    with left:
        mix = st.toggle(
            "Mix in helpful pairs",
            value=mixed and HELPFUL.exists(),
            disabled=not HELPFUL.exists(),
            help="A reward model of harmless labels only learns to love refusals.",
            key=begin.key("chain_helpful"),
            persist_state="session",
        )
        share = st.number_input(
            "Helpful share",
            min_value=0.05,
            max_value=0.9,
            value=float(helpful.get("share", 0.43)),
            disabled=not mix,
            help="Of the preference data (CAI section 4.2: 43%).",
            key=begin.key("chain_share"),
            persist_state="session",
        )
    with right:
        audit = st.toggle(
            "Pause for audit after judging",
            value=bool(begin.values.get("audit", False)),
            help="Stop until you have reviewed labels and press Go on.",
            key=begin.key("chain_audit"),
            persist_state="session",
        )
        seed = st.number_input(
            "Seed",
            min_value=0,
            value=int(begin.values.get("seed", 0)),
            key=begin.key("chain_seed"),
            persist_state="session",
        )
    helpful = {"path": str(HELPFUL), "share": share} if mix else None
    return {"audit": audit, "helpful": helpful, "seed": seed}
