"""What can be set in training, each with its range and where its default comes from.

One file a method. Fields are named as TRL's where they mean the same. What is not here is not an
option: dropout is off, checkpoints keep the newest two.
"""

from cai_core.train.configs.alternatives import (
    DpoConfig,
    GrpoConfig,
    OnlineConfig,
    RlooConfig,
)
from cai_core.train.configs.base import EpochsConfig, LoraSetting, Method, TrainingConfig
from cai_core.train.configs.chain import ChainConfig, Gate, HelpfulPairs, PairSampling
from cai_core.train.configs.methods import CONFIGS
from cai_core.train.configs.ppo import PpoConfig
from cai_core.train.configs.presets import PRESETS, Preset, preset
from cai_core.train.configs.reading import load_config, of_values, values_of
from cai_core.train.configs.reward import RewardConfig
from cai_core.train.configs.sft import SftConfig

__all__ = [
    "CONFIGS",
    "PRESETS",
    "ChainConfig",
    "DpoConfig",
    "EpochsConfig",
    "Gate",
    "GrpoConfig",
    "HelpfulPairs",
    "LoraSetting",
    "Method",
    "OnlineConfig",
    "PairSampling",
    "PpoConfig",
    "Preset",
    "RewardConfig",
    "RlooConfig",
    "SftConfig",
    "TrainingConfig",
    "load_config",
    "of_values",
    "preset",
    "values_of",
]
