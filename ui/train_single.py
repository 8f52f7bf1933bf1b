"""Train one stage: its dataset, what it starts from, its settings, and the button."""

import json
from dataclasses import dataclass
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.jobs import commands, queue
from cai_core.store import work
from cai_core.store.datasets import Dataset, DatasetKind
from cai_core.train import configs
from cai_core.train.configs import Method
from ui import frame, train_choices, train_start
from ui.config_form import config_form

CONFIG_FILE = "config.yaml"


@dataclass(frozen=True)
class Stage:
    """What the page says and asks for one method."""

    method: Method
    title: str
    says: str
    data: DatasetKind
    first: tuple[str, ...]


STAGES = {
    "SFT": Stage(
        "sft",
        "SFT",
        "Teach the base model its own revised answers, mixed with helpful ones.",
        "sft",
        ("num_train_epochs", "learning_rate", "per_device_train_batch_size", "max_steps"),
    ),
    "Reward model": Stage(
        "reward",
        "Reward model",
        "Learn a score from soft preference labels. Ties count as one half.",
        "preference",
        ("num_train_epochs", "learning_rate", "per_device_train_batch_size", "max_steps"),
    ),
    "PPO": Stage(
        "ppo",
        "PPO",
        "Train the policy against a reward model, held near its start by a penalty on KL.",
        "prompts",
        ("total_episodes", "learning_rate", "kl_coef", "response_length"),
    ),
    "DPO": Stage(
        "dpo",
        "DPO",
        "Learn from preference pairs directly, without a reward model.",
        "preference",
        ("num_train_epochs", "learning_rate", "beta", "max_steps"),
    ),
    "RLOO": Stage(
        "rloo",
        "RLOO",
        "Train against a reward model by comparing several answers to one prompt.",
        "prompts",
        ("max_steps", "learning_rate", "beta", "num_generations"),
    ),
    "GRPO": Stage(
        "grpo",
        "GRPO",
        "Train against a reward model by ranking several answers to one prompt as a group.",
        "prompts",
        ("max_steps", "learning_rate", "beta", "num_generations"),
    ),
}
ONLINE = ("ppo", "rloo", "grpo")  # learn from a reward model


def title_of(method: str) -> str | None:
    """The title of a method's form; None of the chain."""
    return next((title for title, one in STAGES.items() if one.method == method), None)


def show(db: Database, stage: Stage) -> None:
    """The form of one stage and its start button."""
    st.caption(stage.says)
    begin = train_start.begun(stage.method)
    train_start.show_source(stage.method)
    left, right = st.columns(2)
    with left:
        data = train_choices.dataset(
            db,
            stage.data,
            key=begin.key(f"data_{stage.method}"),
            wanted=begin.options.get("data", ""),
        )
    with right:
        online = stage.method in ONLINE
        policy = online or stage.method == "dpo"
        words = "Policy to start from (an SFT run)" if policy else "Base model"
        model = train_choices.trainable_models(
            key=begin.key(f"model_{stage.method}"),
            label=words,
            trained=policy,
            wanted=begin.options.get("model", ""),
        )
        reward = None
        if online:
            reward = train_choices.reward_models(
                db,
                key=begin.key(f"reward_{stage.method}"),
                wanted=begin.options.get("reward_model", ""),
            )
    kind = configs.CONFIGS[stage.method]
    values = config_form(
        kind,
        first=stage.first,
        key=begin.key(f"set_{stage.method}"),
        start=begin.values,
    )
    if data is None or (online and reward is None):
        return
    start_button(_submission(stage, data, model, values, reward))


def _submission(
    stage: Stage, data: Dataset, model: str, values: dict[str, Any], reward: str | None
) -> queue.Submission:
    options = {"data": str(data.path), "model": model, "reward_model": reward}
    return queue.Submission(
        kind=stage.method,
        title=f"{stage.title} on {data.name}",
        options=options | {"config": CONFIG_FILE},
        files={CONFIG_FILE: json.dumps(values, indent=2)},  # JSON is YAML
        constitution=train_choices.constitution_of([data]),
        config={"dataset": data.id, "settings": values},
    )


def start_button(job: queue.Submission) -> None:
    """The command for copying, and the button."""
    with st.expander("The command", icon=":material/terminal:"):
        command = " ".join(commands.argv(job.kind, job.options))
        st.code(f"python -m cai_core {command}", language="bash", wrap_lines=True)
        for name, text in job.files.items():
            st.caption(name)
            st.code(text, language="yaml", height=240)
    _button(job)


@frame.fragment(run_every="2s")
def _button(db: Database, job: queue.Submission) -> None:
    """It is off while the same job waits or runs."""
    running = _same(db, job)
    st.button(
        "It waits or runs already" if running else "Start training",
        type="primary",
        icon=":material/play_arrow:",
        disabled=running,
        key=f"start_{job.kind}",
        on_click=frame.callback(_start),
        args=(job,),
    )


def _same(db: Database, job: queue.Submission) -> bool:
    found = work.find(db, states=("queued", *work.ACTIVE), kinds=[job.kind])
    under = job.constitution.to_row() if job.constitution else None
    asked = {**job.config, "options": dict(job.options), "constitution": under}
    wanted = json.loads(json.dumps(asked))
    return any(wanted.items() <= dict(other.config).items() for other in found if _plain(other))


def _plain(job: work.Job) -> bool:
    return "options" in job.config


def _start(db: Database, job: queue.Submission) -> None:
    if not _same(db, job):  # a second click, before the first one was seen
        queue.submit(db, job, by=frame.person())
