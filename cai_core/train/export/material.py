"""What is handed to another trainer: datasets, a model, a reward model, and our settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cai_core.train.configs import PpoConfig, RewardConfig, SftConfig
from cai_core.train.rows import Kind, TrainingData

Target = Literal["openrlhf", "verl"]
Soft = Literal["harden", "repeat"]
REWARD_URL = (
    "http://127.0.0.1:8765/get_reward"  # where `serve-reward` listens unless told otherwise
)


@dataclass(frozen=True)
class Configs:
    """Our settings of the three stages."""

    sft: SftConfig = field(default_factory=SftConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    ppo: PpoConfig = field(default_factory=PpoConfig)


@dataclass(frozen=True)
class Material:
    """`model` is a folder or a Hub name; `reward_model` what is served, or "" where that is not known yet.

    `value_model` is what PPO's value model begins as: "" for the policy, as where the reward model is a
    head on another model's frozen features.
    `soft` says what becomes of soft labels; `gpus` is the number on one node that the commands assume.
    """

    model: str
    data: Mapping[Kind, TrainingData]
    reward_model: str = ""
    value_model: str = ""
    configs: Configs = field(default_factory=Configs)
    reward_url: str = REWARD_URL
    soft: Soft = "harden"
    gpus: int = 8


@dataclass(frozen=True)
class Carried:
    """One setting under both names. `note` says where theirs means something else."""

    ours: str
    theirs: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Stage:
    """One training of the other project: its script, and what became of our settings.

    `left` names settings that it has no counterpart for, each with what it does instead.
    """

    name: str
    script: str
    carried: tuple[Carried, ...]
    left: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
