"""verl 0.9.1: Parquet and the commands of its SFT and PPO. It trains no reward model.

Read out of its wheel on PyPI (Apache-2.0): `verl/trainer/config/*.yaml`, the datasets in `verl/utils/dataset`,
and how `verl/experimental/reward_loop` calls a reward function.
"""

import json
from collections.abc import Mapping, Sequence

from cai_core.schema import Row
from cai_core.train.configs import LoraSetting, PpoConfig, SftConfig, TrainingConfig
from cai_core.train.export.material import Carried, Material, Stage
from cai_core.train.export.script import Shell, here, per_gpu, script
from cai_core.train.rows import TrainingData

NAME, VERSION = "verl", "0.9.1"
REWARD_FILE = "reward_fn.py"


def sft_row(row: Row) -> Row:
    return {"messages": row["prompt"] + row["completion"]}


def prompt_row(row: Row, place: int, split: str) -> Row:
    """The turns to answer. What the reward function needs of them stands in `extra_info`."""
    turns = json.dumps(row["prompt"], ensure_ascii=False)
    return {
        "data_source": "ratify",
        "prompt": row["prompt"],
        "ability": "chat",
        "reward_model": {"style": "model", "ground_truth": ""},
        "extra_info": {"index": place, "split": split, "messages": turns},
    }


def sft(material: Material, data: TrainingData) -> tuple[Stage, Mapping[str, list[Row]]]:
    """Its stage and its files' rows."""
    config = material.configs.sft
    carried = [*_sft_settings(config), *_adamw("optim", config), *_lora("model", config.lora)]
    command: list[str] = ["torchrun", "--nnodes", Shell('"$NODES"')]
    command += ["--nproc_per_node", Shell('"$GPUS"'), "-m", "verl.trainer.sft_trainer"]
    files = _named({"data.train_files": "sft_train"})
    if data.split("dev"):
        files += _named({"data.val_files": "sft_dev"})
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps
    command += [*files, _override("data.train_batch_size", per_gpu(batch))]
    command += [_override("model.path", Shell('"$MODEL"'))]
    command += [_override("trainer.default_local_dir", here("out/sft"))]
    command += ["trainer.logger=[console]", "data.truncation=right", *_overrides(carried)]
    left = {
        "early_stopping_patience": "none there: look at its validation losses, and choose a checkpoint",
        "packing": "always without padding there (data.pad_mode)",
    }
    note = "The loss there is on every assistant turn of a conversation, not on the last one alone."
    text = script(f"SFT with {NAME} {VERSION}.", material, command)
    rows = {f"sft_{s}": [sft_row(row) for row in data.split(s)] for s in ("train", "dev", "test")}
    return Stage("SFT", text, tuple(carried), left, (note,)), _filled(rows)


def ppo(material: Material, data: TrainingData) -> tuple[Stage, Mapping[str, list[Row]]]:
    """Its stage and its files' rows; the reward comes over HTTP, through `reward_fn.py`."""
    config = material.configs.ppo
    critic = material.value_model or material.model
    carried = [*_rollouts(config, len(data.train)), *_losses(config)]
    for part in ("actor_rollout_ref.actor.optim", "critic.optim"):
        carried += _adamw(part, config)
    command: list[str] = ["env", Shell('RATIFY_REWARD_URL="$REWARD_URL"')]
    command += ["python3", "-m", "verl.trainer.main_ppo", "algorithm.adv_estimator=gae"]
    command += _named({"data.train_files": "prompts_train"})
    command += _named({"data.val_files": "prompts_dev" if data.split("dev") else "prompts_train"})
    command += [_override("actor_rollout_ref.model.path", Shell('"$MODEL"'))]
    command += [f"critic.model.path={critic}", *_sizes(config), *_overrides(carried)]
    command += ["actor_rollout_ref.rollout.name=vllm", "reward.reward_manager.name=naive"]
    command += [_override("reward.custom_reward_function.path", here(REWARD_FILE))]
    command += ["reward.custom_reward_function.name=compute_score", "trainer.logger=[console]"]
    command += [_override("trainer.default_local_dir", here("out/ppo"))]
    command += [_override("trainer.nnodes", Shell('"$NODES"'))]
    command += [_override("trainer.n_gpus_per_node", Shell('"$GPUS"'))]
    text = script(
        f"PPO with {NAME} {VERSION}, against a reward model behind HTTP.",
        material,
        command,
        variables={"REWARD_URL": material.reward_url},
    )
    left = {
        "missing_eos_penalty": "its reward function does not learn whether an answer was cut",
        "vf_coef": "policy and value model are apart and have a step each",
        "eval_steps, eval_prompts": "its validation scores by the reward model; compare with `evaluate winrate`",
    }
    rows = {
        f"prompts_{split}": [prompt_row(row, i, split) for i, row in enumerate(data.split(split))]
        for split in ("train", "dev", "test")
    }
    return Stage("PPO", text, tuple(carried), left), _filled(rows)


def _filled(rows: Mapping[str, list[Row]]) -> Mapping[str, list[Row]]:
    return {name: found for name, found in rows.items() if found}


def _override(name: str, value: Shell) -> Shell:
    return Shell(f"{name}={value}")


def _named(files: Mapping[str, str]) -> list[str]:
    return [_override(name, here(f"data/{file}.parquet")) for name, file in files.items()]


def _overrides(carried: Sequence[Carried]) -> list[str]:
    return [f"{one.theirs}={one.value}" for one in carried if one.theirs]


def _adamw(place: str, config: TrainingConfig) -> list[Carried]:
    falls = (
        "" if config.lr_scheduler_type != "linear" else "linear is not there; cosine is the nearest"
    )
    type_ = "cosine" if falls else config.lr_scheduler_type
    found = [
        Carried("learning_rate", f"{place}.lr", f"{config.learning_rate:g}"),
        Carried("weight_decay", f"{place}.weight_decay", f"{config.weight_decay:g}"),
        Carried("max_grad_norm", f"{place}.clip_grad", f"{config.max_grad_norm:g}"),
        Carried("lr_scheduler_type", f"{place}.lr_scheduler_type", type_, falls),
    ]
    if config.warmup_steps < 1:
        name = f"{place}.lr_warmup_steps_ratio"
        return [*found, Carried("warmup_steps", name, f"{config.warmup_steps:g}")]
    return [
        *found,
        Carried("warmup_steps", f"{place}.lr_warmup_steps", f"{config.warmup_steps:.0f}"),
    ]


def _sft_settings(config: SftConfig) -> list[Carried]:
    epochs = max(1, round(config.num_train_epochs))
    rows = config.per_device_train_batch_size
    found = [
        Carried("num_train_epochs", "trainer.total_epochs", str(epochs), "whole passes"),
        Carried("per_device_train_batch_size", "data.micro_batch_size_per_gpu", str(rows)),
        Carried("", "data.use_dynamic_bsz", "False"),
        Carried("max_length", "data.max_length", str(config.max_length)),
        Carried("gradient_checkpointing", "model.enable_gradient_checkpointing",
                str(config.gradient_checkpointing)),
        Carried("seed", "trainer.seed", str(config.seed)),
        Carried("save_steps", "trainer.save_freq", str(config.save_steps)),
        Carried("eval_steps", "trainer.test_freq", str(config.eval_steps or -1)),
    ]  # fmt: skip
    if config.max_steps > 0:
        found.append(Carried("max_steps", "trainer.total_training_steps", str(config.max_steps)))
    return found


def _lora(place: str, setting: LoraSetting | None) -> list[Carried]:
    if setting is None:
        return []
    return [
        Carried("lora.r", f"{place}.lora_rank", str(setting.r)),
        Carried("lora.lora_alpha", f"{place}.lora_alpha", str(setting.lora_alpha)),
    ]


def _sizes(config: PpoConfig) -> list[Shell]:
    mini = per_gpu(config.mini_batch_size)
    found = [
        _override("data.train_batch_size", per_gpu(config.batch_size)),
        _override("actor_rollout_ref.actor.ppo_mini_batch_size", mini),
        _override("critic.ppo_mini_batch_size", mini),
    ]
    if config.total_episodes is None:
        return found
    batch = f"({config.batch_size} * GPUS * NODES)"
    steps = Shell(f'"$((({config.total_episodes} + {batch} - 1) / {batch}))"')
    return [*found, _override("trainer.total_training_steps", steps)]


def _rollouts(config: PpoConfig, prompts: int) -> list[Carried]:
    actor, rollout = "actor_rollout_ref.actor", "actor_rollout_ref.rollout"
    rows, at_once = config.per_device_train_batch_size, config.local_rollout_forward_batch_size
    warmup = config.num_value_warmup_batches
    return [
        Carried("num_ppo_epochs", f"{actor}.ppo_epochs", str(config.num_ppo_epochs)),
        Carried("num_ppo_epochs", "critic.ppo_epochs", str(config.num_ppo_epochs)),
        Carried("num_mini_batches", "", str(config.num_mini_batches),
                "in data.train_batch_size over ppo_mini_batch_size"),
        Carried("per_device_train_batch_size", f"{actor}.ppo_micro_batch_size_per_gpu", str(rows)),
        Carried("per_device_train_batch_size", "critic.ppo_micro_batch_size_per_gpu", str(rows)),
        Carried("local_rollout_forward_batch_size", f"{rollout}.log_prob_micro_batch_size_per_gpu",
                str(at_once)),
        Carried("", "actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu", str(at_once)),
        Carried("response_length", "data.max_response_length", str(config.response_length)),
        Carried("max_prompt_length", "data.max_prompt_length", str(config.max_prompt_length)),
        Carried("", "data.filter_overlong_prompts", "True", "left out, as here"),
        Carried("temperature", f"{rollout}.temperature", f"{config.temperature:g}"),
        Carried("", f"{rollout}.tensor_model_parallel_size", "1"),
        Carried("total_episodes", "trainer.total_epochs", str(-(-(config.total_episodes or prompts) // prompts)),
                f"passes over {prompts} prompts"),
        Carried("num_value_warmup_batches", "trainer.critic_warmup", str(warmup + 1 if warmup else 0),
                "steps are counted from 1 there"),
        Carried("gradient_checkpointing", "actor_rollout_ref.model.enable_gradient_checkpointing",
                str(config.gradient_checkpointing)),
        Carried("seed", "data.seed", str(config.seed)),
        Carried("save_steps", "trainer.save_freq", str(config.save_steps)),
    ]  # fmt: skip


def _losses(config: PpoConfig) -> list[Carried]:
    actor = "actor_rollout_ref.actor"
    clip = f"{config.cliprange:g}"
    found = [
        Carried("kl_coef", "algorithm.kl_ctrl.kl_coef", f"{config.kl_coef:g}"),
        Carried("", "algorithm.use_kl_in_reward", "True", "k1 in the reward, as here"),
        Carried("cliprange", f"{actor}.clip_ratio", clip),
        Carried("cliprange", f"{actor}.clip_ratio_low", clip),
        Carried("cliprange", f"{actor}.clip_ratio_high", clip),
        Carried("cliprange_value", "critic.cliprange_value", f"{config.cliprange_value:g}"),
        Carried("gamma", "algorithm.gamma", f"{config.gamma:g}"),
        Carried("lam", "algorithm.lam", f"{config.lam:g}"),
    ]
    if config.kl_target is None:
        return found
    target = f"{config.kl_target / config.response_length:.4g}"
    return [
        *found,
        Carried("kl_target", "algorithm.kl_ctrl.target_kl", target,
                "nats a token there: ours a token of the longest answer"),
        Carried("", "algorithm.kl_ctrl.type", "adaptive"),
        Carried("kl_horizon", "algorithm.kl_ctrl.horizon", str(config.kl_horizon)),
    ]  # fmt: skip


REWARD_FN = '''"""The reward of an answer, asked of a reward model behind HTTP (`python -m cai_core serve-reward`).

verl calls compute_score for each answer. RATIFY_REWARD_URL says where the model is, RATIFY_REWARD_TOKEN is sent
along where it is set.
"""

import json
import os
import time
import urllib.request

TRIES = 5
TIMEOUT_S = 180


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **more):
    """The scaled score of the answer `solution_str` to the turns in `extra_info`."""
    chat = json.loads(extra_info["messages"])
    chat.append({"role": "assistant", "content": solution_str})
    for attempt in range(TRIES):
        try:
            return ask([chat])[0]
        except OSError:
            if attempt == TRIES - 1:
                raise
            time.sleep(2**attempt)


def ask(chats):
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("RATIFY_REWARD_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    url = os.environ["RATIFY_REWARD_URL"]
    request = urllib.request.Request(url, json.dumps({"chats": chats}).encode(), headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        return json.load(answer)["rewards"]
'''
