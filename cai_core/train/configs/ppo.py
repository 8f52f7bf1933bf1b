"""Settings of PPO, named as in TRL 1.12's PPOConfig, the last one."""

from typing import Literal, Self

from pydantic import Field, model_validator

from cai_core.train.configs.base import LoraSetting, TrainingConfig


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
    eval_steps: int | None = Field(
        50,
        ge=1,
        description="steps between two looks at the dev prompts, where a judge compares the policy"
        " with its start; empty: none (ours)",
    )
    eval_prompts: int = Field(
        32, ge=1, le=4096, description="dev prompts looked at: a gain is known to 0.09 then (ours)"
    )
    num_value_warmup_batches: int = Field(
        1,
        ge=0,
        description="first rollout batches that teach the value model only (VC-PPO, arXiv 2503.01491:"
        " a value model that starts fresh misleads); at most all but the last",
    )
    value_model: Literal["separate", "shared", "adapters"] = Field(
        "separate",
        description="a model of its own that starts from the reward model, as in InstructGPT; or a"
        " head on the policy's backbone, so that one pass gives both; or, with LoRA, adapters of"
        " its own on one frozen backbone",
    )
    mask_truncated_completions: bool = Field(
        False,
        description="leave answers that did not end out of the losses instead of penalising them"
        " (TRL's name in GRPO; DAPO, arXiv 2503.14476, section 3.4)",
    )
    lora: LoraSetting | None = Field(
        None, description="empty trains all weights; the reference is then the policy without them"
    )

    @model_validator(mode="after")
    def _adapters_need_lora(self) -> Self:
        if self.value_model == "adapters" and self.lora is None:
            raise ValueError("value_model: adapters needs lora; set lora.r, or choose another one")
        return self

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
