"""Which configuration each method has."""

from cai_core.train.configs.alternatives import DpoConfig, GrpoConfig, RlooConfig
from cai_core.train.configs.base import Method, TrainingConfig
from cai_core.train.configs.ppo import PpoConfig
from cai_core.train.configs.reward import RewardConfig
from cai_core.train.configs.sft import SftConfig

CONFIGS: dict[Method, type[TrainingConfig]] = {
    "sft": SftConfig,
    "reward": RewardConfig,
    "ppo": PpoConfig,
    "dpo": DpoConfig,
    "rloo": RlooConfig,
    "grpo": GrpoConfig,
}
