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
        description="several rows in one of max_length tokens, kept apart by their positions, which"
        " needs no flash attention (checked on the model before it starts, else refused); 1.5 times"
        " the tokens a second where 32% was padding (measured); steps are fewer and larger: lower"
        " per_device_train_batch_size",
    )
