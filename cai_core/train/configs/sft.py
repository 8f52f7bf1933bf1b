"""Settings of supervised fine-tuning."""

from pydantic import Field

from cai_core.train.configs.base import EpochsConfig


class SftConfig(EpochsConfig):
    """Supervised fine-tuning on the completions only.

    Rows longer than `max_length` are cut at their end; one whose whole completion is cut away is
    left out. Both are counted.
    """

    learning_rate: float = Field(2e-5, gt=0, le=1, description="TRL 1.16's default for SFT")
    packing: bool = Field(
        False,
        description="several rows in one of max_length tokens, kept apart by their positions"
        " (checked on the model before it starts): worth it where much of a batch is padding,"
        " which each run tells; fewer and larger steps, so lower per_device_train_batch_size",
    )
