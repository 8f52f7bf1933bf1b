"""Whether PPO learns: a tiny model, a reward that counts one word, ten seeds.

A seed has learned when the last five batches have at least three words an answer more than the
first five, within two minutes, while KL stays under its bound. The bound comes from theory: with
reward 1 a word and KL cost b, the best policy has the word's probability p tilted to
q = p e^(1/b) / (1 - p + p e^(1/b)). Here p = 2 in 340 tokens ("yes", " yes"), so q = 0.47: 7.5 words
in 16 tokens at 28 nats. Without a KL cost it would be 16 words at 80 nats and more.
"""

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cai_core.schema import Chat, Hooks
from cai_core.train import ppo
from cai_core.train.configs import PpoConfig
from tests.tiny import save_tiny_model
from tests.train.conftest import make_task, prompt_rows, write_dataset

WORD = "yes"
KL_BOUND = 40.0  # nats an answer: the best policy's 28, and half as much again for a batch of 32
SECONDS = 120.0
SEEDS = range(10, 20)  # 0 to 9 were used to choose the settings
CONFIG = PpoConfig(
    learning_rate=4e-3,  # 60,000 random weights; the default is for models that can write
    total_episodes=3200,
    per_device_train_batch_size=32,
    gradient_accumulation_steps=1,
    local_rollout_forward_batch_size=32,
    response_length=16,
    kl_coef=0.2,  # see above
    missing_eos_penalty=None,  # a random model ends its turn once in 500 tokens
    save_steps=10_000,
)


def count_word(chats: Sequence[Chat], answers: Sequence[str]) -> list[float]:
    return [float(answer.count(WORD)) for answer in answers]


@dataclass(frozen=True)
class Learned:
    """What one seed came to."""

    seed: int
    first: float
    last: float
    largest_kl: float
    first_ratio_gap: float
    seconds: float

    @property
    def learned(self) -> bool:
        """Whether the reward rose clearly while KL stayed bounded, however long it took."""
        return self.last >= self.first + 3 and self.largest_kl < KL_BOUND

    @property
    def passed(self) -> bool:
        return self.learned and self.seconds < SECONDS


def learn(seed: int, folder: Path, config: PpoConfig = CONFIG) -> Learned:
    """Train a random tiny model with this seed."""
    told: list[Mapping[str, float]] = []
    model = save_tiny_model(folder / "model", seed=seed)
    data = write_dataset(folder / "data", "prompts", train=prompt_rows(16))
    task = make_task(
        "ppo",
        data,
        model,
        folder / "out",
        config.model_copy(update={"seed": seed}),
        hooks=Hooks(metric=lambda step, values: told.append(values)),
    )
    began = time.monotonic()
    ppo.train(task, reward=count_word)
    seconds = time.monotonic() - began
    batches = [values for values in told if "objective/scores" in values]
    scores = [values["objective/scores"] for values in batches]
    return Learned(
        seed,
        statistics.fmean(scores[:5]),
        statistics.fmean(scores[-5:]),
        max(values["objective/kl"] for values in batches),
        max(values.get("val/first_ratio_gap", 0.0) for values in batches),
        seconds,
    )


def run() -> str:
    import torch

    torch.set_num_threads(1)
    rows = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(learn(seed, Path(folder)))
            print(rows[-1], flush=True)
    passed = sum(row.passed for row in rows)
    lines = [
        "## PPO learns",
        "",
        f"A random model of 60,000 weights is rewarded for every '{WORD}' in 16 tokens;"
        f" {CONFIG.total_episodes} episodes, KL coefficient {CONFIG.kl_coef}. Learned in {passed} of"
        f" {len(rows)} seeds (at least 3 words more, KL under {KL_BOUND:.0f} nats an"
        f" answer, under {SECONDS:.0f} s); 9 of 10 are asked for.",
        "",
        "| seed | first 5 batches | last 5 batches | largest KL | first ratio off 1 by | seconds | learned |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row.seed} | {row.first:.2f} | {row.last:.2f} | {row.largest_kl:.1f}"
            f" | {row.first_ratio_gap:.1g} | {row.seconds:.0f} | {'yes' if row.passed else 'no'} |"
        )
    return "\n".join(lines)
