"""What every training method has, and what those over a fixed set of rows have besides."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Method = Literal["sft", "reward", "ppo", "dpo", "rloo", "grpo"]
Tracker = Literal["none", "tensorboard", "wandb", "mlflow", "trackio"]


class Setting(BaseModel):
    """Frozen, its defaults checked, and nothing in it that has no field."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class LoraSetting(Setting):
    """Train low-rank adapters instead of all weights (peft); they are merged into the result."""

    r: int = Field(16, ge=1, le=1024, description="rank (QLoRA, arXiv 2305.14314, tried 8 to 256)")
    lora_alpha: int = Field(32, ge=1, description="scale, divided by r (twice r: common practice)")
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="off, so that two passes agree")


class TrainingConfig(Setting):
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
    report_to: Tracker = Field(
        "none",
        description="a tracker that gets the curves too; it must be installed, and some send them"
        " to a server",
    )


class PassesConfig(TrainingConfig):
    """What passes over rows or prompts have."""

    num_train_epochs: float = Field(
        1.0, gt=0, le=100, description="passes over the rows (CAI: 1; more makes it preachy)"
    )
    max_steps: int = Field(-1, ge=-1, description="stop after so many steps; -1 is no limit")
    lora: LoraSetting | None = Field(None, description="empty trains all weights")


class EpochsConfig(PassesConfig):
    """What learns from a fixed set of rows, and can be measured on others."""

    max_length: int = Field(
        1024, ge=8, le=131072, description="tokens of prompt and answer (the recipe's 1024)"
    )
    eval_steps: int | None = Field(
        50,
        ge=1,
        description="steps between two looks at the dev rows; the weights with the lowest dev loss"
        " are saved; empty: one look at the end, and the last weights are saved",
    )
    early_stopping_patience: int | None = Field(
        3,
        ge=1,
        description="looks without a lower dev loss after which training stops; empty: never",
    )
