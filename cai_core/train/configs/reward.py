"""Settings of a reward model."""

from typing import Self

from pydantic import Field, model_validator

from cai_core.train.configs.base import EpochsConfig


class RewardConfig(EpochsConfig):
    """A reward model from soft labels; longer pairs are cut in the prompt, and counted.

    With `frozen_backbone` only a head is fitted, to its optimum: settings of the optimiser mean nothing
    then.
    """

    learning_rate: float = Field(1e-5, gt=0, le=1, description="the recipe's 1e-5")
    center_rewards_coefficient: float | None = Field(
        0.01, ge=0, description="pulls mean rewards to 0 (arXiv 2312.09244, eq. 2: 0.01)"
    )
    frozen_backbone: bool = Field(
        False, description="train a head on kept features alone: minutes, not an hour (measured)"
    )
    inverse_l2: float | None = Field(
        3e-4,
        gt=0,
        le=1e3,
        description="C of a frozen backbone's head (3e-4: 700 hh pairs); empty: best of 5 on dev",
    )
    min_agreement: float = Field(
        0.55,
        ge=0,
        lt=1,
        description="PPO starts when the lower bound of agreement with people is over it (ours)",
    )

    @model_validator(mode="after")
    def _frozen_or_adapted(self) -> Self:
        if self.frozen_backbone and self.lora is not None:
            raise ValueError(
                "choose 'frozen_backbone' or 'lora': adapters would train the backbone"
            )
        return self
