"""A reward model whose backbone is not trained: a logistic head on its frozen features.

score(answer) = features @ direction, and the difference of two is the log-odds that the first is
better. Minutes instead of an hour, for the features are read once and kept. Not here: how features are
made; whoever calls hands them in.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cai_core.errors import TrainError
from cai_core.schema import Chat, Hooks, Message, Row, assistant, chat_row
from cai_core.stats import FloatArray, sigmoid
from cai_core.train import loop
from cai_core.train.card import RUN_FILE, Run
from cai_core.train.rewards import cutting

FILE = "head.safetensors"
QUIET = Hooks()
# As C of scikit-learn's LogisticRegression with both orientations of a pair as rows. The default is what
# suits 700 hh pairs and the built-in model's 2,880 numbers (docs/benchmarks.md, "learned").
DEFAULT_C = 3e-4
CHOICES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
_CLOSE = 1e-9

Features = NDArray[np.float32]


class Read(Protocol):
    """The features (n, d) of the answers that chats end in."""

    def __call__(self, chats: Sequence[Chat], *, hooks: Hooks = ...) -> Features: ...


@dataclass(frozen=True)
class Backbone:
    """Whose features a head reads: the hash of its weights, the features' version, and reading them."""

    read: Read
    fingerprint: str
    version: int


@dataclass(frozen=True)
class Lessons:
    """n pairs: differences (n, d) chosen minus rejected, P(chosen better) (n,), weights (n,)."""

    differences: Features
    p: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, rows: Sequence[Row], differences: Features) -> "Lessons":
        p, weights = (np.array([row[n] for row in rows], float) for n in ("p_chosen", "weight"))
        return cls(differences, p, weights)

    def loss(self, direction: FloatArray) -> float:
        """Weighted cross-entropy in nats; nan where nothing weighs."""
        odds = self.differences @ direction.astype(np.float32)
        each = np.logaddexp(0, odds) - self.p * odds
        return float(np.average(each, weights=self.weights)) if self.weights.sum() > 0 else np.nan


@dataclass(frozen=True)
class Fit:
    """`direction` (d,) is for features as they are."""

    direction: FloatArray
    c: float
    steps: int
    seconds: float


def fit(lessons: Lessons, *, c: float) -> Fit:
    """Minimise 2 c sum of w (cross-entropy to p) + |b|^2 / 2 over differences in units of their size.

    Without an intercept: with the sides turned everything changes its sign. Weights are 1 on average.

    Raises:
        TrainError: a feature that is no number, or nothing that weighs.
    """
    from scipy.optimize import minimize

    began = time.monotonic()
    if not np.isfinite(lessons.differences).all():
        raise TrainError("some features are no numbers; leave those pairs out")
    if not lessons.weights.sum() > 0:
        raise TrainError("no pair has a weight over 0; there is nothing to learn from")
    size = np.sqrt(np.square(lessons.differences, dtype=np.float64).mean(axis=0))
    size = np.where(size > 0, size, 1.0)
    rows = lessons.differences.astype(np.float64) / size
    cost = 2 * c * lessons.weights / lessons.weights.mean()

    def objective(b: FloatArray) -> tuple[float, FloatArray]:
        odds = rows @ b
        value = cost @ (np.logaddexp(0, odds) - lessons.p * odds) + b @ b / 2
        return float(value), rows.T @ (cost * (sigmoid(odds) - lessons.p)) + b

    options = {"maxiter": 1000, "ftol": 1e-14, "gtol": _CLOSE}
    start = np.zeros(rows.shape[1])
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    return Fit(found.x / size, c, int(found.nit), time.monotonic() - began)


def fit_chosen(lessons: Lessons, dev: Lessons) -> Fit:
    """The fit of CHOICES with the least loss on dev."""
    return min((fit(lessons, c=c) for c in CHOICES), key=lambda one: dev.loss(one.direction))


@dataclass(frozen=True)
class FrozenReward:
    """Scores of chats that end in an assistant turn, like RewardModel's; higher is better.

    `direction` is (d,); a chat of more than `limit` tokens loses the beginning of its prompt.
    """

    direction: FloatArray
    backbone: Backbone
    tokenizer: Any
    limit: int
    shift: float = 0.0
    scale: float = 1.0

    def score(
        self, chats: Sequence[Chat | list[Row]], *, hooks: Hooks | None = None
    ) -> list[float]:
        """(raw - shift) / scale: the answers that set shift and scale have mean 0 and deviation 1."""
        return [(value - self.shift) / self.scale for value in self.raw(chats, hooks=hooks)]

    def reward(self, chats: Sequence[Chat], answers: Sequence[str]) -> list[float]:
        """The scores of answers, each with its chat: what PPO learns from."""
        return self.score(
            [(*chat, assistant(text)) for chat, text in zip(chats, answers, strict=True)]
        )

    def raw(self, chats: Sequence[Chat | list[Row]], *, hooks: Hooks | None = None) -> list[float]:
        """The log-odds of each answer, up to a constant."""
        odds = self.features(chats, hooks or QUIET) @ self.direction.astype(np.float32)
        values: list[float] = odds.astype(float).tolist()
        return values

    def features(self, chats: Sequence[Chat | list[Row]], hooks: Hooks = QUIET) -> Features:
        """(n, d) of what the answers are, behind prompts that fit."""
        return self.backbone.read([self._cut(chat) for chat in chats], hooks=hooks)

    def shared_prompt(self, prompt: list[Row], answers: list[Row]) -> list[Row]:
        """The prompt as both answers are scored with it: cut as the longer one needs."""
        return cutting.fitted(self.tokenizer, prompt, answers, self.limit) or prompt

    def _cut(self, chat: Chat | list[Row]) -> Chat:
        rows = chat if isinstance(chat, list) else chat_row(chat)
        if not rows or rows[-1]["role"] != "assistant":
            raise TrainError("a reward model scores chats that end in an assistant turn")
        cut = cutting.within(self.tokenizer, rows, (self.limit,))
        return tuple(Message(row["role"], row["content"]) for row in cut)


def is_frozen(folder: Path) -> bool:
    return (folder / FILE).is_file()


def save(direction: FloatArray, folder: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"direction": np.asarray(direction, dtype=np.float64)}, folder / FILE)


def load(folder: Path, backbone: Backbone, *, base: Path) -> FrozenReward:
    """The head in `folder` on the features of the model in `base`.

    Raises:
        TrainError: no such head, or other features than those that it learned from.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not is_frozen(folder) or not (folder / RUN_FILE).exists():
        raise TrainError(f"{folder} holds no head on frozen features")
    run = Run.read(folder)
    reward = run.reward or {}
    if (reward.get("fingerprint"), reward.get("features")) != (
        backbone.fingerprint,
        backbone.version,
    ):
        raise TrainError(
            f"{folder} learned from other features of {run.base_model} than it has now; train it again"
        )
    try:
        direction = load_file(folder / FILE)["direction"]
    except (OSError, KeyError, SafetensorError) as error:
        raise TrainError(f"{folder / FILE} cannot be read; train the head again") from error
    limit = min(int(run.config["max_length"]), window_of(base))
    tokenizer = loop.load_tokenizer(base)
    return FrozenReward(
        direction, backbone, tokenizer, limit, float(reward["shift"]), float(reward["scale"])
    )


def window_of(folder: Path) -> int:
    """Tokens that the model in `folder` can read at once."""
    from transformers import AutoConfig

    with loop.loading(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return int(config.get_text_config().max_position_embeddings)
