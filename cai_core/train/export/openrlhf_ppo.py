"""OpenRLHF 0.11.2: PPO, with the reward model behind HTTP. See `openrlhf` for where this was looked up."""

import math
from collections.abc import Mapping

from cai_core.schema import Row
from cai_core.train.configs import PpoConfig
from cai_core.train.export.material import Carried, Material, Stage
from cai_core.train.export.openrlhf import BETAS, NAME, VERSION, files, prompt_row, scheduler, words
from cai_core.train.export.script import Shell, here, per_gpu, script
from cai_core.train.rows import TrainingData


def ppo(material: Material, data: TrainingData) -> tuple[Stage, Mapping[str, list[Row]]]:
    """Its stage and its files' rows; the reward comes over HTTP."""
    config = material.configs.ppo
    prompts = len(data.train)
    batches = (config.total_episodes or prompts) / (config.batch_size * material.gpus)
    carried = [
        *_ppo_optimiser(config, max(1.0, batches * config.steps_per_batch)),
        *_ppo_batches(config, prompts),
        *_ppo_losses(config),
    ]
    command = [*_ray(), *_ppo_places(material), *_ppo_sizes(config), *words(carried)]
    if config.gradient_checkpointing:
        command.append("--actor.gradient_checkpointing_enable")
        carried.append(
            Carried("gradient_checkpointing", "--actor.gradient_checkpointing_enable", "on")
        )
    text = script(
        f"PPO with {NAME} {VERSION}, against a reward model behind HTTP.",
        material,
        command,
        variables={"REWARD_URL": material.reward_url},
    )
    left = {
        "missing_eos_penalty": "--reward.stop_properly_penalty_coef sets or scales the score of a cut answer;"
        " none takes a fixed amount off it",
        "vf_coef": "policy and value model are apart and have a step each",
        "local_rollout_forward_batch_size": "vLLM samples; --rollout.micro_batch_size 1 is left as it is",
        "eval_steps, eval_prompts": "its evaluation scores by the reward model; compare with `evaluate winrate`",
    }
    return Stage("PPO", text, tuple(carried), left), files(data, "prompts", prompt_row)


def _ray() -> list[str]:
    address = Shell('"${RAY_ADDRESS:-http://127.0.0.1:8265}"')
    return ["ray", "job", "submit", "--address", address, "--",
            "python3", "-m", "openrlhf.cli.train_ppo_ray"]  # fmt: skip


def _ppo_places(material: Material) -> list[str]:
    """Everything on the same GPUs, half of whose memory is vLLM's: their example's layout."""
    gpus, nodes = Shell('"$GPUS"'), Shell('"$NODES"')
    found: list[str] = []
    for part in ("actor", "critic", "ref"):
        found += [f"--{part}.num_nodes", nodes, f"--{part}.num_gpus_per_node", gpus]
    found += ["--train.colocate_all", "--vllm.enable_sleep", "--ds.enable_sleep"]
    found += ["--vllm.num_engines", Shell('"$((GPUS * NODES))"')]
    found += ["--vllm.gpu_memory_utilization", "0.5", "--ds.zero_stage", "3"]
    found += ["--actor.model_name_or_path", Shell('"$MODEL"')]
    found += ["--reward.remote_url", Shell('"$REWARD_URL"')]
    if material.value_model:
        found += ["--critic.model_name_or_path", material.value_model]
        found += ["--ds.value_head_prefix", "score"]
    found += [
        "--data.prompt_dataset",
        here("data/prompts_train.jsonl"),
        "--data.input_key",
        "prompt",
    ]
    found += ["--data.label_key", "label", "--data.apply_chat_template"]
    found += ["--ckpt.output_dir", here("out/ppo"), "--ckpt.path", here("out/ppo_checkpoints")]
    return [*found, "--ckpt.save_hf", "--algo.kl.estimator", "k1"]


def _ppo_sizes(config: PpoConfig) -> list[str]:
    found: list[str] = ["--rollout.batch_size", per_gpu(config.batch_size)]
    return [*found, "--train.batch_size", per_gpu(config.mini_batch_size)]


def _ppo_optimiser(config: PpoConfig, steps: float) -> list[Carried]:
    """`steps` is how many there will be, of which those of warming up are a share."""
    share = (
        config.warmup_steps if config.warmup_steps < 1 else min(1.0, config.warmup_steps / steps)
    )
    found = []
    for part in ("actor", "critic"):
        found += [
            Carried("learning_rate", f"--{part}.adam.lr", f"{config.learning_rate:g}"),
            Carried("AdamW's betas", f"--{part}.adam.betas", BETAS),
            Carried("weight_decay", f"--{part}.adam.weight_decay", f"{config.weight_decay:g}"),
            Carried("lr_scheduler_type", f"--{part}.lr_scheduler", scheduler(config)),
            Carried("max_grad_norm", f"--{part}.max_norm", f"{config.max_grad_norm:g}"),
        ]
        found.append(Carried("warmup_steps", f"--{part}.lr_warmup_ratio", f"{share:.4g}"))
    return found


def _ppo_batches(config: PpoConfig, prompts: int) -> list[Carried]:
    episodes = config.total_episodes or prompts
    passes = max(1, math.ceil(episodes / prompts))
    window = config.max_prompt_length + config.response_length
    rows = config.per_device_train_batch_size
    warmup = config.num_value_warmup_batches or -1
    return [
        Carried("total_episodes", "--train.num_episodes", str(passes), f"passes over {prompts} prompts"),
        Carried("", "--data.max_samples", str(min(episodes, prompts))),
        Carried("num_ppo_epochs", "--train.max_epochs", str(config.num_ppo_epochs)),
        Carried("per_device_train_batch_size", "--train.micro_batch_size", str(rows)),
        Carried("num_mini_batches", "", str(config.num_mini_batches),
                "in --rollout.batch_size over --train.batch_size"),
        Carried("response_length", "--rollout.max_new_tokens", str(config.response_length)),
        Carried("max_prompt_length", "--data.max_len", str(window),
                "with the answer; longer prompts lose their beginning there, here they are left out"),
        Carried("num_value_warmup_batches", "--critic.freezing_steps", str(warmup)),
        Carried("seed", "--train.seed", str(config.seed)),
        Carried("logging_steps", "--logger.logging_steps", str(config.logging_steps)),
        Carried("save_steps", "--ckpt.save_steps", str(config.save_steps)),
    ]  # fmt: skip


def _ppo_losses(config: PpoConfig) -> list[Carried]:
    found = [
        Carried("temperature", "--rollout.temperature", f"{config.temperature:g}"),
        Carried("kl_coef", "--algo.kl.init_coef", f"{config.kl_coef:g}"),
        Carried("cliprange", "--actor.eps_clip", f"{config.cliprange:g}"),
        Carried("cliprange_value", "--critic.value_clip", f"{config.cliprange_value:g}"),
        Carried("gamma", "--algo.advantage.gamma", f"{config.gamma:g}"),
        Carried("lam", "--algo.advantage.lambd", f"{config.lam:g}"),
    ]
    if config.kl_target is not None:
        target = f"{config.kl_target / config.response_length:.4g}"
        note = "nats a token there: ours a token of the longest answer"
        found.append(Carried("kl_target", "--algo.kl.target", target, note))
        found.append(Carried("kl_horizon", "--algo.kl.horizon", str(config.kl_horizon)))
    return found
