"""OpenRLHF 0.11.2: JSON lines and the commands of its SFT, reward model and PPO.

Read out of its wheel on PyPI (Apache-2.0): the options of `openrlhf/cli/train_sft.py`, `train_rm.py` and
`train_ppo_ray.py`, and what its datasets expect. Its README names some of them by older names.
"""

import json
import math
from collections.abc import Callable, Mapping

from cai_core.schema import Row
from cai_core.train.configs import EpochsConfig, RewardConfig, TrainingConfig
from cai_core.train.export.material import Carried, Material, Stage
from cai_core.train.export.script import Shell, here, per_gpu, script
from cai_core.train.export.soft import hard_pairs
from cai_core.train.rows import TrainingData

NAME, VERSION = "OpenRLHF", "0.11.2"
BETAS = "0.9 0.999"  # ours are transformers' defaults, theirs (0.9, 0.95)


def sft_row(row: Row) -> Row:
    """One conversation; its last turn is learned."""
    return {"messages": row["prompt"] + row["completion"]}


def preference_row(row: Row) -> Row:
    """Two whole conversations."""
    both = {name: row["prompt"] + row[name] for name in ("chosen", "rejected")}
    return both | {"source": row["source"]}


def prompt_row(row: Row) -> Row:
    """The turns to answer; `label` has them again, for the reward model's own template."""
    return {"prompt": row["prompt"], "label": json.dumps(row["prompt"], ensure_ascii=False)}


def sft(material: Material, data: TrainingData) -> tuple[Stage, Mapping[str, list[Row]]]:
    """Its stage and its files' rows."""
    config = material.configs.sft
    carried = [*_optimiser(config), *_passes(config, data, material), *_lora(config)]
    flags = ["--data.input_key", "messages", "--data.apply_chat_template"]
    flags += ["--ds.packing_samples"] if config.packing else []
    text = _deepspeed("SFT", "sft", material, [*flags, *words(carried), *_switches(config)])
    if config.packing:
        carried.append(Carried("packing", "--ds.packing_samples", "on"))
    left = _left(config) | {
        "early_stopping_patience": "none there: look at its eval losses, and choose a checkpoint"
    }
    return Stage("SFT", text, tuple(carried), left), files(data, "sft", sft_row)


def reward(material: Material, data: TrainingData) -> tuple[Stage, Mapping[str, list[Row]]]:
    """Its stage and its files' rows; soft labels are made hard, as the material says."""
    config = material.configs.reward
    hard = {name: hard_pairs(data.split(name), material.soft) for name in ("train", "dev", "test")}
    rows = {
        f"preference_{name}": [preference_row(row) for row in pairs.rows]
        for name, pairs in hard.items()
        if pairs.rows
    }
    carried = [*_optimiser(config), *_passes(config, data, material), *_lora(config)]
    flags = ["--data.chosen_key", "chosen", "--data.rejected_key", "rejected"]
    flags += ["--data.apply_chat_template", "--ds.value_head_prefix", "score"]
    text = _deepspeed(
        "Reward model", "preference", material, [*flags, *words(carried), *_switches(config)]
    )
    stage = Stage("reward model", text, tuple(carried), _left(config) | _left_of(config))
    return _with_note(stage, f"Soft labels: {hard['train'].words}."), rows


def _with_note(stage: Stage, note: str) -> Stage:
    return Stage(stage.name, stage.script, stage.carried, stage.left, (*stage.notes, note))


def files(data: TrainingData, name: str, made: Callable[[Row], Row]) -> Mapping[str, list[Row]]:
    """The rows of each split that has some, by the name of their file."""
    splits = ((split, data.split(split)) for split in ("train", "dev", "test"))
    return {f"{name}_{split}": [made(row) for row in rows] for split, rows in splits if rows}


def _optimiser(config: TrainingConfig) -> list[Carried]:
    return [
        Carried("learning_rate", "--adam.lr", f"{config.learning_rate:g}"),
        Carried("AdamW's betas", "--adam.betas", BETAS),
        Carried("weight_decay", "--adam.weight_decay", f"{config.weight_decay:g}"),
        Carried("lr_scheduler_type", "--lr_scheduler", scheduler(config)),
        Carried("max_grad_norm", "--max_norm", f"{config.max_grad_norm:g}"),
        Carried("seed", "--train.seed", str(config.seed)),
        Carried("logging_steps", "--logger.logging_steps", str(config.logging_steps)),
        Carried("save_steps", "--ckpt.save_steps", str(config.save_steps)),
    ]


def scheduler(config: TrainingConfig) -> str:
    warms = config.warmup_steps > 0 and config.lr_scheduler_type == "constant"
    return "constant_with_warmup" if warms else config.lr_scheduler_type


def _passes(config: EpochsConfig, data: TrainingData, material: Material) -> list[Carried]:
    rows = config.per_device_train_batch_size
    batch = rows * config.gradient_accumulation_steps
    epochs = math.ceil(config.num_train_epochs)
    steps = max(1, len(data.train) * epochs // (batch * material.gpus))
    share = (
        config.warmup_steps if config.warmup_steps < 1 else min(1.0, config.warmup_steps / steps)
    )
    note = f"of about {steps} steps on {material.gpus} GPUs" if config.warmup_steps >= 1 else ""
    return [
        Carried("warmup_steps", "--lr_warmup_ratio", f"{share:g}", note),
        Carried("num_train_epochs", "--train.max_epochs", str(epochs), "whole passes"),
        Carried("per_device_train_batch_size", "--train.micro_batch_size", str(rows)),
        Carried("max_length", "--data.max_len", str(config.max_length)),
        Carried("eval_steps", "--eval.steps", str(config.eval_steps or -1)),
        Carried("gradient_accumulation_steps", "", str(config.gradient_accumulation_steps),
                f"in --train.batch_size: {batch} rows a GPU"),
    ]  # fmt: skip


def _lora(config: EpochsConfig) -> list[Carried]:
    if config.lora is None:
        return []
    return [
        Carried("lora.r", "--ds.lora.rank", str(config.lora.r)),
        Carried("lora.lora_alpha", "--ds.lora.alpha", str(config.lora.lora_alpha)),
        Carried("lora.lora_dropout", "--ds.lora.dropout", f"{config.lora.lora_dropout:g}"),
    ]


def _switches(config: EpochsConfig) -> list[str]:
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps
    flags: list[str] = ["--train.batch_size", per_gpu(batch)]
    return flags + (
        ["--model.gradient_checkpointing_enable"] if config.gradient_checkpointing else []
    )


def _left(config: EpochsConfig) -> dict[str, str]:
    left = {"bf16": "on there, unless --ds.param_dtype says fp16", "report_to": "see its --logger"}
    return left | ({"max_steps": "none there; --data.max_samples"} if config.max_steps > 0 else {})


def _left_of(config: RewardConfig) -> dict[str, str]:
    left = {"center_rewards_coefficient": "no such term: the mean of the scores is free there"}
    left["min_agreement"] = "a gate of ours; look at its accuracy before PPO"
    if config.frozen_backbone:
        left["frozen_backbone"] = "all weights are trained there"
    return left


def words(carried: list[Carried]) -> list[str]:
    return [word for one in carried if one.theirs for word in (one.theirs, *one.value.split())]


def _deepspeed(title: str, kind: str, material: Material, options: list[str]) -> str:
    module = "train_sft" if kind == "sft" else "train_rm"
    data = material.data["sft" if kind == "sft" else "preference"]
    command = ["deepspeed", "--num_gpus", Shell('"$GPUS"'), "--num_nodes", Shell('"$NODES"')]
    command += [
        "--module",
        f"openrlhf.cli.{module}",
        "--model.model_name_or_path",
        Shell('"$MODEL"'),
    ]
    command += ["--data.dataset", here(f"data/{kind}_train.jsonl")]
    if data.split("dev"):
        command += ["--eval.dataset", here(f"data/{kind}_dev.jsonl")]
    out = "sft" if kind == "sft" else "reward"
    command += [
        "--ckpt.output_dir",
        here(f"out/{out}"),
        "--ckpt.path",
        here(f"out/{out}_checkpoints"),
    ]
    return script(f"{title} with {NAME} {VERSION}.", material, [*command, *options])
