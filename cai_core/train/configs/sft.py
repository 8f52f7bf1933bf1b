"""Settings of supervised fine-tuning."""

from pydantic import Field

from cai_core.train.configs.base import EpochsConfig


class SftConfig(EpochsConfig):
    """Supervised fine-tuning on the completions only; longer rows are cut, and counted."""

    learning_rate: float = Field(2e-5, gt=0, le=1, description="TRL 1.16's default for SFT")
