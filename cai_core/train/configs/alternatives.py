"""Settings of DPO, RLOO and GRPO, named as in TRL 1.16."""

from typing import Literal, Self

from pydantic import Field, model_validator

from cai_core.train.configs.base import EpochsConfig, PassesConfig


class DpoConfig(EpochsConfig):
    """Direct preference optimisation on pairs, in the direction that their label leans to.

    TRL's DPO knows no soft labels: a pair with p 0.51 pulls as much as one with 0.99, and weights
    are not used. Pairs without a direction (p 0.5) or with weight 0 are left out, and counted.
    """

    learning_rate: float = Field(1e-6, gt=0, le=1, description="TRL 1.16's default for DPO")
    beta: float = Field(
        0.1, gt=0, description="how near to the start: a nat of an answer is worth so much"
    )
    loss_type: Literal["sigmoid", "robust", "ipo"] = Field(
        "sigmoid",
        description="sigmoid: DPO (arXiv 2305.18290); robust: takes label_smoothing into account"
        " (arXiv 2403.00409); ipo: does not push pairs without end (arXiv 2310.12036)",
    )
    label_smoothing: float | None = Field(
        None,
        ge=0,
        lt=0.5,
        description="of robust alone: the share of labels that are wrong; empty: what the labels"
        " themselves say, the mean of min(p, 1 - p) over the pairs that are learned from",
    )
    least_lean: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        description="pairs whose p is no further from 0.5 than this are left out, and counted",
    )


class OnlineConfig(PassesConfig):
    """What RLOO and GRPO have: they sample several answers to a prompt and compare their rewards."""

    learning_rate: float = Field(1e-6, gt=0, le=1, description="TRL 1.16's default")
    max_completion_length: int = Field(
        256, ge=1, le=8192, description="tokens an answer (TRL's default)"
    )
    max_prompt_length: int = Field(
        512, ge=1, description="longer prompts are left out, and counted (hh: mean 230 a pair)"
    )
    temperature: float = Field(
        1.0, gt=0, le=2, description="of sampling and of log-probabilities: 1 is the policy itself"
    )
    epsilon: float = Field(0.2, gt=0, le=1, description="clip of the ratio (TRL's default)")
    missing_eos_penalty: float | None = Field(
        1.0, ge=0, description="taken off the reward of an answer that did not end, as in PPO"
    )
    mask_truncated_completions: bool = Field(
        False, description="learn nothing from answers that did not end (DAPO, arXiv 2503.14476)"
    )
    eval_steps: int | None = Field(
        20,
        ge=1,
        description="steps between two looks at answers to the same dev prompts, with their rewards;"
        " empty: none",
    )
    num_generations: int = Field(2, ge=2, le=256, description="answers to a prompt")

    @model_validator(mode="after")
    def _whole_groups(self) -> Self:
        rows = self.per_device_train_batch_size * self.gradient_accumulation_steps
        if rows % self.num_generations:
            raise ValueError(
                f"{rows} answers a step (per_device_train_batch_size times"
                f" gradient_accumulation_steps) are not whole groups of {self.num_generations}"
                " (num_generations)"
            )
        return self


class RlooConfig(OnlineConfig):
    """REINFORCE with the other answers' mean reward as baseline (arXiv 2402.14740)."""

    num_generations: int = Field(2, ge=2, le=256, description="answers to a prompt (TRL's default)")
    beta: float = Field(
        0.05,
        gt=0,
        description="cost of a nat of a whole answer, taken off its reward (TRL's default, and the"
        " recipe's for PPO); the curve kl is a mean over tokens, objective/kl over answers",
    )


class GrpoConfig(OnlineConfig):
    """Rewards in units of their spread within the answers to one prompt (arXiv 2402.03300)."""

    num_generations: int = Field(8, ge=2, le=256, description="answers to a prompt (TRL's default)")
    beta: float = Field(
        0.04,
        gt=0,
        description="cost of a nat of one token, in the loss (arXiv 2402.03300, section 4.2); TRL's"
        " default of 0 would log no KL; the curve kl is a mean over tokens, objective/kl over answers",
    )
