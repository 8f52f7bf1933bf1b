"""A trained reward model: its folder, checked, and the scores that it gives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import AutoModelForSequenceClassification

from cai_core.errors import Stopped, TrainError
from cai_core.schema import Chat, Hooks, Row, assistant, chat_row
from cai_core.train import loop
from cai_core.train.card import RUN_FILE, Run
from cai_core.train.rewards import cutting

HEAD = "score.weight"
AS_IT_IS: Row = {"shift": 0.0, "scale": 1.0}


class RewardModel:
    """Scores of chats that end in an assistant turn; higher is better.

    A chat of more than `limit` tokens, those that it was trained on, loses the beginning of its prompt
    as in training.
    """

    def __init__(
        self,
        folder: Path,
        model: Any,
        tokenizer: Any,
        *,
        reward: Row | None = None,
        max_length: int | None = None,
    ) -> None:
        self.folder, self.model, self.tokenizer = folder, model.eval(), tokenizer
        self.shift = float((reward or {}).get("shift", 0.0))
        self.scale = float((reward or {}).get("scale", 1.0))
        self.window = int(model.config.get_text_config().max_position_embeddings)
        self.limit = min(self.window, max_length or self.window)

    @classmethod
    def load(cls, folder: Path) -> "RewardModel":
        """Raises TrainError: `folder` holds no reward model with a trained head."""
        reward = check(folder)
        tokenizer = loop.load_tokenizer(folder)
        with loop.loading(folder):
            model = AutoModelForSequenceClassification.from_pretrained(folder, **loop.SAFELY)
        model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
        if torch.cuda.is_available():
            model.to("cuda")
        config = Run.read(folder).config if (folder / RUN_FILE).exists() else {}
        return cls(folder, model, tokenizer, reward=reward, max_length=config.get("max_length"))

    def score(
        self, chats: Sequence[Chat | list[Row]], *, batch_size: int = 16, hooks: Hooks | None = None
    ) -> list[float]:
        """(raw - shift) / scale: the answers that set shift and scale have mean 0 and deviation 1."""
        raw = self.raw(chats, batch_size=batch_size, hooks=hooks)
        return [(value - self.shift) / self.scale for value in raw]

    def reward(self, chats: Sequence[Chat], answers: Sequence[str]) -> list[float]:
        """The scores of answers, each with its chat: what PPO learns from."""
        return self.score(
            [(*chat, assistant(text)) for chat, text in zip(chats, answers, strict=True)]
        )

    @torch.no_grad()
    def raw(
        self, chats: Sequence[Chat | list[Row]], *, batch_size: int = 16, hooks: Hooks | None = None
    ) -> list[float]:
        """The head's output at the end of each chat, rendered through its own template."""
        rendered = [self.render(chat) for chat in chats]
        order = sorted(range(len(rendered)), key=lambda i: len(rendered[i]))
        scores = [0.0] * len(rendered)
        for start in range(0, len(order), batch_size):
            if hooks and hooks.should_stop():
                raise Stopped("scoring was stopped, as asked")
            part = order[start : start + batch_size]
            for index, value in zip(part, self._batch([rendered[i] for i in part]), strict=True):
                scores[index] = value
        return scores

    def render(self, chat: Chat | list[Row]) -> list[int]:
        """Token ids of a chat as in training; only an answer over the window loses its beginning."""
        rows = chat if isinstance(chat, list) else chat_row(chat)
        if not rows or rows[-1]["role"] != "assistant":
            raise TrainError("a reward model scores chats that end in an assistant turn")
        limits = (self.limit, self.window)
        return cutting.render(self.tokenizer, cutting.within(self.tokenizer, rows, limits))

    def shared_prompt(self, prompt: list[Row], answers: list[Row]) -> list[Row]:
        """The prompt as both answers are scored with it: cut as the longer one needs."""
        return cutting.fitted(self.tokenizer, prompt, answers, self.limit) or prompt

    def _batch(self, ids: list[list[int]]) -> list[float]:
        padded = self.tokenizer.pad({"input_ids": ids}, padding_side="right", return_tensors="pt")
        logits = self.model(**padded.to(self.model.device), use_cache=False).logits  # (B, 1)
        values: list[float] = logits.squeeze(-1).float().tolist()
        return values


def check(folder: Path) -> Row:
    """Shift and scale of the reward model in `folder`, which is refused without a trained head.

    Raises:
        TrainError: its weights hold no `score.weight`, its run.json names another method, or it is a
            head on another model's frozen features.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise TrainError(f"{folder} holds no model in safetensors form")
    refuse_frozen(folder)
    if not any(_holds_head(file) for file in files):
        raise TrainError(
            f"{folder} is not a reward model: its weights have no trained head ({HEAD});"
            " train one with `train reward`"
        )
    if not (folder / RUN_FILE).exists():  # a downloaded one: it has a head, but no scale of ours
        return AS_IT_IS
    run = Run.read(folder)
    if run.method != "reward":
        raise TrainError(f"{folder} was trained by {run.method}; it is not a reward model")
    return run.reward or AS_IT_IS


def refuse_frozen(folder: Path) -> None:
    """Raises TrainError: a head on frozen features, which is no model of its own."""
    from cai_core.train.rewards import frozen

    if frozen.is_frozen(folder):
        raise TrainError(
            f"{folder} is a head on the frozen features of {Run.read(folder).base_model} and no model"
            " of its own; where a whole reward model is needed, train one with LoRA or with all weights"
        )


def _holds_head(file: Path) -> bool:
    with safe_open(file, framework="pt") as weights:
        return HEAD in weights.keys()  # noqa: SIM118 (it is no mapping)


def score(
    folder: Path, conversations: Sequence[Chat], *, hooks: Hooks | None = None
) -> list[float]:
    """Scaled scores of chats that end in an assistant turn, under the reward model in `folder`.

    Raises:
        TrainError: no trained head, or a chat that ends in another turn.
    """
    return RewardModel.load(folder).score(conversations, hooks=hooks)
