"""Settings of a reward model."""

from pydantic import Field

from cai_core.train.configs.base import EpochsConfig


class RewardConfig(EpochsConfig):
    """A reward model from soft labels; pairs longer than `max_length` are left out, and counted."""

    learning_rate: float = Field(1e-5, gt=0, le=1, description="the recipe's 1e-5")
    center_rewards_coefficient: float | None = Field(
        0.01, ge=0, description="pulls mean rewards to 0 (arXiv 2312.09244, eq. 2: 0.01)"
    )
