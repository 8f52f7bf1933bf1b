"""What can be set in training, each with its range and where its default comes from.

Fields are named as TRL's where they mean the same; those of PPO as in TRL 1.12's PPOConfig, the
last one. What is not here is not an option: dropout is off, checkpoints keep the newest two.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cai_core.errors import TrainError
from cai_core.settings import BUILTIN, JudgeSetting, validation_sentence

Method = Literal["sft", "reward", "ppo"]


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class LoraSetting(_Config):
    """Train low-rank adapters instead of all weights (peft); they are merged into the result."""

    r: int = Field(16, ge=1, le=1024, description="rank (QLoRA, arXiv 2305.14314, tried 8 to 256)")
    lora_alpha: int = Field(32, ge=1, description="scale, divided by r (twice r: common practice)")
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="off, so that two passes agree")


class TrainingConfig(_Config):
    """What every method has."""

    seed: int = Field(0, ge=0, description="order of rows, new weights, sampling")
    learning_rate: float = Field(2e-5, gt=0, le=1, description="AdamW's peak learning rate")
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="how the learning rate falls (transformers' default)"
    )
    warmup_steps: float = Field(
        0.0, ge=0, description="steps of rising learning rate; under 1 a share of all steps"
    )
    weight_decay: float = Field(0.0, ge=0, le=1, description="of AdamW (transformers' default)")
    max_grad_norm: float = Field(1.0, ge=0, description="clip; 0 is off (transformers' default)")
    per_device_train_batch_size: int = Field(
        4, ge=1, le=1024, description="rows at once on one device (3.6 GB at 95 tokens, measured)"
    )
    gradient_accumulation_steps: int = Field(
        4, ge=1, le=4096, description="passes summed into one step: 16 rows a step by default"
    )
    logging_steps: int = Field(1, ge=1, description="steps between two logs; runs here are short")
    save_steps: int = Field(
        50, ge=1, description="steps between checkpoints: about 4 minutes on 2 cores (measured)"
    )
    gradient_checkpointing: bool = Field(
        False, description="less memory, about 20% slower (TRL's documentation)"
    )
    bf16: bool | None = Field(
        None, description="empty: on a GPU that has it; on a CPU it is 4 to 10 times slower"
    )


class _Epochs(TrainingConfig):
    num_train_epochs: float = Field(
        1.0, gt=0, le=100, description="passes over the rows (CAI: 1; more makes it preachy)"
    )
    max_steps: int = Field(-1, ge=-1, description="stop after so many steps; -1 is no limit")
    max_length: int = Field(
        1024, ge=8, le=131072, description="tokens of prompt and answer (the recipe's 1024)"
    )
    lora: LoraSetting | None = Field(None, description="empty trains all weights")


class SftConfig(_Epochs):
    """Supervised fine-tuning on the completions only; longer rows are cut, and counted."""

    learning_rate: float = Field(2e-5, gt=0, le=1, description="TRL 1.16's default for SFT")


class RewardConfig(_Epochs):
    """A reward model from soft labels; pairs longer than `max_length` are left out, and counted."""

    learning_rate: float = Field(1e-5, gt=0, le=1, description="the recipe's 1e-5")
    center_rewards_coefficient: float | None = Field(
        0.01, ge=0, description="pulls mean rewards to 0 (arXiv 2312.09244, eq. 2: 0.01)"
    )


class PpoConfig(TrainingConfig):
    """Proximal policy optimisation against a reward model.

    One rollout batch is `per_device_train_batch_size * gradient_accumulation_steps *
    num_mini_batches` answers; it is learned from in `num_ppo_epochs * num_mini_batches` steps.
    """

    learning_rate: float = Field(1e-6, gt=0, le=1, description="the recipe's 1e-6")
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="falls to 0 at the last episode (TRL 1.12)"
    )
    total_episodes: int | None = Field(
        None, ge=1, description="answers in all, rounded up to whole batches; empty: one a prompt"
    )
    num_ppo_epochs: int = Field(4, ge=1, le=64, description="passes over a batch (TRL 1.12: 4)")
    num_mini_batches: int = Field(1, ge=1, le=256, description="steps a pass (TRL 1.12: 1)")
    local_rollout_forward_batch_size: int = Field(
        16, ge=1, description="rows at once where nothing is learned (TRL's 64 is for GPUs)"
    )
    response_length: int = Field(53, ge=1, le=8192, description="tokens an answer (TRL 1.12: 53)")
    max_prompt_length: int = Field(
        512, ge=1, description="longer prompts are left out, and counted (hh: mean 230 a pair)"
    )
    temperature: float = Field(
        1.0, gt=0, le=2, description="of sampling and of log-probabilities: 1 is the policy itself"
    )
    missing_eos_penalty: float | None = Field(
        1.0,
        ge=0,
        description="taken off the score of an answer that did not end (TRL's examples: 1)",
    )
    kl_coef: float = Field(
        0.05, ge=0, description="cost of a nat from the reference (recipe: 0.05)"
    )
    kl_target: float | None = Field(
        None, gt=0, description="nats an answer to steer `kl_coef` towards; empty keeps it fixed"
    )
    kl_horizon: int = Field(
        10_000,
        ge=1,
        description="episodes in which `kl_coef` may double (Ziegler 2019, section 2.2)",
    )
    cliprange: float = Field(0.2, gt=0, le=1, description="of the ratio (Schulman 2017, table 3)")
    cliprange_value: float = Field(0.2, gt=0, description="of the value's step (TRL 1.12)")
    vf_coef: float = Field(0.1, ge=0, description="weight of the value loss (TRL 1.12)")
    gamma: float = Field(1.0, gt=0, le=1, description="discount a token (TRL 1.12)")
    lam: float = Field(0.95, ge=0, le=1, description="lambda of GAE (Schulman 2016; TRL 1.12)")
    num_value_warmup_batches: int = Field(
        0, ge=0, description="first rollout batches that teach the value model only (VC-PPO)"
    )

    @property
    def batch_size(self) -> int:
        """Answers of one rollout batch on one device."""
        return self.mini_batch_size * self.num_mini_batches

    @property
    def mini_batch_size(self) -> int:
        return self.per_device_train_batch_size * self.gradient_accumulation_steps

    @property
    def steps_per_batch(self) -> int:
        """Optimiser steps taken on one rollout batch."""
        return self.num_ppo_epochs * self.num_mini_batches


class PairSampling(_Config):
    """How the two answers of a prompt are drawn from the supervised policy."""

    temperature: float = Field(0.8, gt=0, le=2, description="the recipe's 0.8")
    max_new_tokens: int = Field(128, ge=1, le=8192, description="tokens an answer")


class Gate(_Config):
    """What the judgements must show before a reward model is trained on them."""

    min_coverage: float = Field(
        0.5, ge=0, le=1, description="least share of pairs with a verdict that leans one way (ours)"
    )
    min_agreement: float | None = Field(
        None,
        ge=0,
        le=1,
        description="least share of human verdicts that the judge shares; empty asks none",
    )


class HelpfulPairs(_Config):
    """Human helpfulness pairs mixed in, so that the reward model does not love refusals only."""

    path: str = Field(min_length=1, description="pairs or labels file (JSONL)")
    share: float = Field(0.43, gt=0, lt=1, description="of the mixture (CAI section 4.2: 43%)")


class ChainConfig(_Config):
    """The whole loop in one file; paths are relative to the configuration's folder."""

    data: str = Field(min_length=1, description="sft dataset folder")
    prompts: str = Field(min_length=1, description="prompts: a dataset folder or a JSONL file")
    constitution: str = Field(min_length=1, description="constitution file of the judge")
    model: str = Field(BUILTIN, description="model id to start from")
    judge: JudgeSetting = JudgeSetting()
    sampling: PairSampling = PairSampling()
    sft: SftConfig = SftConfig()
    reward: RewardConfig = RewardConfig()
    ppo: PpoConfig = PpoConfig()
    helpful: HelpfulPairs | None = None
    gate: Gate = Gate()
    best_of_n: int = Field(
        4, ge=2, le=64, description="answers a prompt in the preview of the reward model"
    )
    best_of_n_prompts: int = Field(16, ge=1, description="dev prompts in that preview")
    comparison_prompts: int = Field(32, ge=1, description="test prompts of the last comparison")
    audit: bool = Field(False, description="stop after judging, for people to look at the labels")
    seed: int = Field(0, ge=0, description="seed of sampling, judging and every stage")

    @model_validator(mode="after")
    def _one_seed(self) -> Self:
        for name in ("sft", "reward", "ppo"):
            if "seed" in getattr(self, name).model_fields_set:
                raise ValueError(f"the seed stands once, at the top; take it out of '{name}'")
        return self

    def stage(self, name: Method) -> TrainingConfig:
        """The configuration of one training stage, with the chain's seed."""
        config: TrainingConfig = getattr(self, name)
        return config.model_copy(update={"seed": self.seed})


CONFIGS: dict[Method, type[TrainingConfig]] = {
    "sft": SftConfig,
    "reward": RewardConfig,
    "ppo": PpoConfig,
}
Config = TypeVar("Config", bound=BaseModel)


def load_config(
    kind: type[Config], path: Path | None = None, overrides: Sequence[str] = ()
) -> Config:
    """Read a configuration: the file's values, then `key=value` overrides (`lora.r=8` reaches in).

    Raises:
        TrainError: unreadable, an unknown key, or a value out of range; says which.
    """
    values = _read_yaml(path) if path else {}
    for override in overrides:
        key, sign, text = override.partition("=")
        if not sign or not key.strip():
            raise TrainError(f"--set {override!r} is not of the form key=value")
        _put(values, key.strip().split("."), _scalar(text, override))
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        place = f"{path}: " if path else ""
        raise TrainError(f"{place}{validation_sentence(error)}") from error


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        value = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainError(f"{path} cannot be read: {error.strerror}") from error
    except (YAMLError, UnicodeDecodeError) as error:
        first = " ".join(str(error).split())[:200]
        raise TrainError(f"{path} cannot be read as YAML: {first}") from error
    if value is not None and not isinstance(value, dict):
        raise TrainError(f"{path} must hold a mapping of settings")
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
