"""Settings for a machine or after a paper, as plain values over the defaults.

A preset lies under the file and `--set`: what those say counts. It names no data and no model.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from cai_core.errors import TrainError
from cai_core.train.configs.base import Method
from cai_core.train.configs.methods import CONFIGS

UNTRIED = "untried on a GPU"
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Preset:
    """`key` is what the command line takes; `tried` says that it was run on what it is for.

    `chain` holds what concerns no single method; the groups of a chain are those of `methods`.
    """

    key: str
    name: str
    says: str
    tried: bool
    methods: Mapping[Method, Values]
    chain: Values

    @property
    def label(self) -> str:
        return self.name if self.tried else f"{self.name} ({UNTRIED})"

    def values(self, kind: type[BaseModel]) -> dict[str, Any]:
        """What differs from the defaults of a method's configuration, or of the chain's."""
        for method, config in CONFIGS.items():
            if config is kind:
                return copy.deepcopy(dict(self.methods.get(method, {})))
        groups = {name: dict(self.methods.get(name, {})) for name in _IN_A_CHAIN}
        return copy.deepcopy({**self.chain, **groups})


_IN_A_CHAIN: tuple[Method, ...] = ("sft", "reward", "ppo")
# Adapters want about ten times the learning rate of all weights (Schulman and Thinking Machines 2025,
# "LoRA Without Regret"; TRL's documentation says the same).
_LORA: Values = {"lora": {"r": 16, "lora_alpha": 32}, "gradient_checkpointing": True}
_SMALL_GPU: Values = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}
_LARGE_GPU: Values = {
    **{"per_device_train_batch_size": 16, "gradient_accumulation_steps": 4},
    "gradient_checkpointing": True,
}
_ROLLOUTS: Values = {"local_rollout_forward_batch_size": 64, "response_length": 256}  # TRL's 64

CPU = Preset(
    "cpu",
    "Try it on a CPU",
    "A few steps of everything, to see the whole way in minutes with the built-in model; what comes out"
    " has learned next to nothing.",
    tried=False,
    methods={
        "sft": {
            **{"max_steps": 12, "max_length": 256, "eval_steps": 6},
            **{"per_device_train_batch_size": 4, "gradient_accumulation_steps": 1},
        },
        "reward": {"frozen_backbone": True, "max_length": 256},
        "ppo": {
            **{"total_episodes": 32, "num_ppo_epochs": 2, "response_length": 32},
            **{"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
            **{"eval_steps": 4, "eval_prompts": 8, "max_prompt_length": 256},
        },
        "dpo": {
            **{"max_steps": 12, "max_length": 256, "eval_steps": 6},
            **{"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2},
        },
        "rloo": {
            **{"max_steps": 4, "max_completion_length": 32, "eval_steps": 2},
            **{"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
            "max_prompt_length": 256,
        },
        "grpo": {
            **{"max_steps": 4, "max_completion_length": 32, "eval_steps": 2},
            **{"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
            **{"num_generations": 4, "max_prompt_length": 256},
        },
    },
    chain={
        "sampling": {"max_new_tokens": 48},
        **{"best_of_n": 4, "best_of_n_prompts": 4, "comparison_prompts": 8},
    },
)

GPU_24 = Preset(
    "gpu-24",
    "One 24 GB GPU, LoRA",
    "Adapters of rank 16 on models up to about 3 billion parameters, whose weights take 12 GB"
    " in float32.",
    tried=False,
    methods={
        "sft": {**_LORA, **_SMALL_GPU, "learning_rate": 2e-4},
        "reward": {**_LORA, **_SMALL_GPU, "learning_rate": 1e-4},
        "ppo": {**_ROLLOUTS, **_SMALL_GPU, "gradient_checkpointing": True},
        "dpo": {**_LORA, **_SMALL_GPU, "learning_rate": 1e-5},
        "rloo": {**_LORA, **_SMALL_GPU, "learning_rate": 1e-5, "num_generations": 4},
        "grpo": {**_LORA, **_SMALL_GPU, "learning_rate": 1e-5},
    },
    chain={"sampling": {"max_new_tokens": 256}, "comparison_prompts": 200},
)

GPU_80 = Preset(
    "gpu-80",
    "One 80 GB GPU",
    "All weights of models up to about 3 billion parameters in SFT (16 bytes a parameter: weights,"
    " gradients, two moments), up to 1.5 billion in PPO, which holds four models.",
    tried=False,
    methods={
        "sft": {**_LARGE_GPU, "packing": True, "per_device_train_batch_size": 8},
        "reward": dict(_LARGE_GPU),
        "ppo": {**_LARGE_GPU, **_ROLLOUTS, "num_mini_batches": 2},
        "dpo": dict(_LARGE_GPU),
        "rloo": {**_LARGE_GPU, "num_generations": 4},
        "grpo": dict(_LARGE_GPU),
    },
    chain={"sampling": {"max_new_tokens": 256}, "comparison_prompts": 400},
)

CAI = Preset(
    "cai-like",
    "CAI-like",
    "After Bai et al. 2022 (arXiv 2212.08073): one epoch of SFT at a constant rate in batches of 1024,"
    " one principle drawn a comparison, 43% helpful pairs. The paper gives no learning rates in numbers"
    " and publishes no PPO settings: those are this project's defaults.",
    tried=False,
    methods={
        "sft": {
            **{"lr_scheduler_type": "constant", "num_train_epochs": 1.0},
            **{"per_device_train_batch_size": 16, "gradient_accumulation_steps": 64},
            **{"gradient_checkpointing": True, "early_stopping_patience": None},
        },
        "reward": {**_LARGE_GPU, "num_train_epochs": 1.0},
        "ppo": {**_LARGE_GPU, **_ROLLOUTS},
        "dpo": dict(_LARGE_GPU),
        "rloo": dict(_LARGE_GPU),
        "grpo": dict(_LARGE_GPU),
    },
    chain={
        "judge": {"method": "logprob", "principles": "draw"},
        "sampling": {"max_new_tokens": 256, "temperature": 1.0},
        "comparison_prompts": 400,
    },
)

PRESETS: tuple[Preset, ...] = (CPU, GPU_24, GPU_80, CAI)


def preset(name: str) -> Preset:
    """By its key or its name, in any case. Raises TrainError: there is none."""
    wanted = name.strip().casefold()
    for one in PRESETS:
        if wanted in (one.key, one.name.casefold()):
            return one
    known = ", ".join(one.key for one in PRESETS)
    raise TrainError(f"there is no preset '{name}'; presets are {known}")


def over(name: str, kind: type[BaseModel], values: Values) -> dict[str, Any]:
    """`values` laid over those of a preset, group by group; null empties a group."""
    return _laid(preset(name).values(kind), values)


def _laid(below: Values, above: Values) -> dict[str, Any]:
    found = dict(below)
    for name, value in above.items():
        under = found.get(name)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        found[name] = _laid(under, value) if both else value  # type: ignore[arg-type]
    return found
