"""Write trl_1_12.npz: one batch of rollouts, and what TRL 1.12's own PPOTrainer makes of it.

Usage: $(python scripts/trl_1_12.py) -m tests.train.policy.make_trl_fixture
Nothing of TRL is written anew here. Its trainer samples the answers (without an end-of-turn token,
so each is full-length), computes and learns; when it logs, the local variables of its `train` are
read off. What this module holds besides are the models and settings that both sides start from.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedModel,
)

from tests.tiny import tiny_tokenizer

FIXTURE = Path(__file__).with_name("trl_1_12.npz")
QUESTIONS = (
    *("Is it?", "How do I make tea?", "Is it good, or is it bad?", "What is a plan?"),
    *(
        "Boil water and wait. And then?",
        "yes or no",
        "Help me with that.",
        "Is it harmful to wait?",
    ),
)
SEEDS = {"policy": 1, "reference": 2, "value": 3, "reward": 4}
SETTINGS = {  # under TRL's names, which are ours too
    **{"num_ppo_epochs": 2, "num_mini_batches": 2, "response_length": 12, "temperature": 0.7},
    **{"kl_coef": 0.05, "gamma": 0.98, "lam": 0.95, "cliprange": 0.2, "cliprange_value": 0.2},
    **{"vf_coef": 0.1, "missing_eos_penalty": 0.5, "learning_rate": 5e-4, "seed": 6},
}
OF_THE_BATCH = (
    *("query_responses", "scores", "logprobs", "ref_logprobs", "kl", "values", "rewards"),
    *("advantages", "returns"),
)
OF_EACH_STEP = (
    *("pg_loss_stats", "vf_loss_stats", "approxkl_stats", "pg_clipfrac_stats"),
    *("vf_clipfrac_stats", "ratio_stats"),
)


def model_of(part: str) -> PreTrainedModel:
    """One of the four tiny Llamas, its weights drawn by a generator that no library changes."""
    kind = LlamaForCausalLM if part in ("policy", "reference") else LlamaForSequenceClassification
    model = kind(
        LlamaConfig(
            vocab_size=len(tiny_tokenizer()),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
            tie_word_embeddings=True,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
            num_labels=1,
        )
    )
    draws = np.random.RandomState(SEEDS[part])  # its stream is frozen (NEP 19)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            drawn = draws.standard_normal(tuple(weight.shape)) / np.sqrt(32)
            weight.copy_(torch.from_numpy(drawn + (1 if "norm" in name else 0)))
    return model.eval()


def questions() -> list[list[int]]:
    """Token ids of the prompts, with the opening of the assistant's turn."""
    chats = [[{"role": "user", "content": question}] for question in QUESTIONS]
    ids: list[list[int]] = tiny_tokenizer().apply_chat_template(chats, add_generation_prompt=True)[
        "input_ids"
    ]
    return ids


class Seen:
    """What was seen of TRL's training of one batch."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}
        self.orders: list[Any] = []
        self.losses: list[float] = []

    def look(self, frame: FrameType) -> None:
        """Copy the variables of TRL's `train` while it logs a batch."""
        for name in (*OF_THE_BATCH, *OF_EACH_STEP):
            found = frame.f_locals[name].detach()
            self.arrays[name] = found.squeeze(-1).numpy() if name in OF_EACH_STEP else found.numpy()
        self.arrays["context_length"] = frame.f_locals["context_length"]

    def whole(self) -> dict[str, Any]:
        shape = (SETTINGS["num_ppo_epochs"], SETTINGS["num_mini_batches"])
        orders = np.stack(self.orders).reshape(*shape, -1)  # (epochs, minibatches, rows of each)
        losses = np.asarray(self.losses, dtype=np.float32).reshape(shape)
        return self.arrays | {"rows": orders, "total_losses": losses}


def noting(call: Callable[..., Any], keep: Callable[[Any], None], *, given: bool) -> Any:
    """The call, with its first argument or its result kept."""

    def noted(first: Any, *rest: Any, **named: Any) -> Any:
        made = call(first, *rest, **named)
        keep(first if given else made)
        return made

    return noted


def trained(folder: Path) -> Seen:
    """Let TRL's trainer learn from one batch."""
    from datasets import Dataset
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    seen = Seen()

    class Watched(PPOTrainer):  # type: ignore[misc]
        def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
            seen.look(sys._getframe(1))

    tokenizer = tiny_tokenizer()
    tokenizer.padding_side = "left"
    batch = len(QUESTIONS)
    asked = PPOConfig(
        output_dir=str(folder),
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=1,
        total_episodes=batch,
        num_sample_generations=0,
        stop_token=None,
        bf16=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        **SETTINGS,
    )
    trainer = Watched(
        args=asked,
        processing_class=tokenizer,
        model=model_of("policy"),
        ref_model=model_of("reference"),
        reward_model=model_of("reward"),
        value_model=model_of("value"),
        train_dataset=Dataset.from_dict({"input_ids": questions()}),
    )
    backward, order = trainer.accelerator.backward, np.random.permutation
    trainer.accelerator.backward = noting(
        backward, lambda loss: seen.losses.append(loss.item()), given=True
    )
    np.random.seed(SETTINGS["seed"])
    np.random.permutation = noting(order, seen.orders.append, given=False)
    try:
        trainer.train()
    finally:
        np.random.permutation = order
    return seen


def main() -> None:
    os.environ |= {"HF_HUB_DISABLE_TELEMETRY": "1", "TRL_EXPERIMENTAL_SILENCE": "1"}
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        found = trained(Path(folder)).whole()
    answers = found["query_responses"][:, found["context_length"] :]
    if set(answers.ravel()) & {0, 2}:
        raise SystemExit("error: an answer ends early under this seed; choose another")
    np.savez_compressed(FIXTURE, **found)
    for name in OF_EACH_STEP:
        print(name, found[name].round(5).tolist())
    print(f"{FIXTURE}: {FIXTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
