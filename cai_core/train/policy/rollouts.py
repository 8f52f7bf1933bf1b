"""Rollouts: answers of the policy with what the losses need, and the prompts that they answer.

Shapes: B answers, Q prompt tokens (padded on the left), T answer tokens (padded on the right).
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from cai_core.errors import TrainError
from cai_core.schema import Chat, Row, chat_from_row, chat_row
from cai_core.train.configs import PpoConfig
from cai_core.train.policy import advantages as adv
from cai_core.train.policy.advantages import Tensor

RewardFn = Callable[[Sequence[Chat], Sequence[str]], Sequence[float]]


@dataclass(frozen=True)
class Answers:
    """What the policy said: `mask` covers each answer with its end of turn, `ended` (B,) has it."""

    query_ids: Tensor  # (B, Q)
    query_mask: Tensor  # (B, Q)
    response_ids: Tensor  # (B, T)
    mask: Tensor  # (B, T)
    ended: Tensor  # (B,)
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Rollout:
    """Answers with what the losses need; all (B, ...), nothing with a gradient.

    `mask` is 0 on answers that are left out of the losses.
    """

    query_ids: Tensor
    query_mask: Tensor
    response_ids: Tensor
    mask: Tensor
    logprobs: Tensor  # (B, T) under the policy that sampled
    values: Tensor  # (B, T) before learning
    advantages: Tensor  # (B, T) whitened
    returns: Tensor  # (B, T)

    @classmethod
    def of(
        cls, answers: Answers, logprobs: Tensor, values: Tensor, rewards: Tensor, config: PpoConfig
    ) -> "Rollout":
        """From what was read of the answers and their rewards by token, each (B, T)."""
        advantages, returns = adv.gae(
            rewards, values, answers.mask, gamma=config.gamma, lam=config.lam
        )
        mask = answers.mask
        if config.mask_truncated_completions:
            mask = mask * answers.ended[:, None]
        return cls(
            query_ids=answers.query_ids,
            query_mask=answers.query_mask,
            response_ids=answers.response_ids,
            mask=mask,
            logprobs=logprobs,
            values=values,
            advantages=adv.whiten(advantages, mask),
            returns=returns,
        )

    def take(self, index: Any) -> "Rollout":
        return Rollout(*(getattr(self, field.name)[index] for field in fields(self)))

    def __len__(self) -> int:
        return int(self.mask.shape[0])

    def save(self, path: Path) -> None:
        """Keep it, so that a run that stops within a batch goes on with the same answers."""
        from safetensors.torch import save_file

        save_file({f.name: getattr(self, f.name).contiguous() for f in fields(self)}, path)

    @classmethod
    def load(cls, path: Path, device: Any) -> "Rollout":
        from safetensors.torch import load_file

        return cls(**load_file(path, device=str(device)))


Batch = TypeVar("Batch", Answers, Rollout)


def trimmed(batch: Batch) -> Batch:
    """Without the columns in which every row is padding."""
    before = int(batch.query_mask.sum(1).max())
    after = max(1, int((batch.mask.cumsum(1) * batch.mask).argmax(1).max()) + 1)
    cut = {
        field.name: getattr(batch, field.name)[:, :after]
        for field in fields(batch)
        if field.name not in ("query_ids", "query_mask", "ended", "texts")
    }
    cut |= {n: getattr(batch, n)[:, -before:] for n in ("query_ids", "query_mask")}
    return replace(batch, **cut)


def by_length(batch: Answers | Rollout) -> Tensor:
    """Row numbers from short to long, prompt and answer together."""
    return (batch.query_mask.sum(1) + batch.mask.sum(1)).argsort(stable=True)


def render(tokenizer: Any, chats: Sequence[Chat]) -> tuple[Tensor, Tensor]:
    """Prompts with the opening of the assistant's turn: ids and mask (B, Q), padded on the left."""
    ids = [prompt_ids(tokenizer, chat) for chat in chats]
    padded = tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt")
    return padded["input_ids"], padded["attention_mask"]


def prompt_ids(tokenizer: Any, chat: Chat) -> list[int]:
    rendered = tokenizer.apply_chat_template(chat_row(chat), add_generation_prompt=True)
    ids: list[int] = rendered["input_ids"]
    return ids


@dataclass(frozen=True)
class ShortPrompts:
    """Prompts of at most so many tokens; `dropped` counts the longer ones."""

    chats: list[Chat]
    dropped: int

    @classmethod
    def of(cls, rows: Sequence[Row], tokenizer: Any, limit: int) -> "ShortPrompts":
        """From rows of a dataset. Raises TrainError where none is short enough."""
        every = [chat_from_row(row["prompt"]) for row in rows]
        short = [chat for chat in every if len(prompt_ids(tokenizer, chat)) <= limit]
        if not short:
            raise TrainError(
                f"all {len(every)} prompts are longer than max_prompt_length = {limit}"
            )
        return cls(short, len(every) - len(short))

    @property
    def note(self) -> str:
        """What was left out, for people; "" where nothing was."""
        if not self.dropped:
            return ""
        return f"{self.dropped} prompts were longer than max_prompt_length and left out"


def finite(given: Sequence[float], count: int) -> list[float]:
    """What a reward gave. Raises TrainError: not one number an answer."""
    scores = [float(score) for score in given]
    if len(scores) != count or not all(math.isfinite(score) for score in scores):
        raise TrainError(
            f"the reward gave {scores} for {count} answers; it must give one number each"
        )
    return scores


@contextmanager
def seeded(*parts: object) -> Iterator[None]:
    """Random draws that depend on `parts` alone, whatever was drawn before and is drawn after."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(int(hashlib.sha256(repr(parts).encode()).hexdigest()[:15], 16))
        yield


def joined(batch: Answers | Rollout) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and positions (B, Q + T) of prompts and answers; positions skip the padding."""
    import torch

    ids = torch.cat((batch.query_ids, batch.response_ids), dim=1)
    mask = torch.cat((batch.query_mask, batch.mask), dim=1)
    return ids, mask, (mask.cumsum(1) - 1).clamp(min=0)


def in_parts(answers: Answers, measure: Callable[[Answers], Any], size: int) -> tuple[Tensor, ...]:
    """The tensors (b, T) that `measure` gives of `size` answers of like length, as (B, T).

    Columns that are padding in all rows of a part are not read; what stands there is 0.
    """
    order = by_length(answers)
    found: list[Tensor] = []
    for rows in order.split(size):
        part = trimmed(_taken(answers, rows))
        for number, tensor in enumerate(measure(part)):
            if len(found) <= number:
                found.append(tensor.new_zeros(answers.mask.shape))
            found[number][rows, : tensor.shape[1]] = tensor
    return tuple(found)


def _taken(answers: Answers, rows: Tensor) -> Answers:
    part = {f.name: getattr(answers, f.name)[rows] for f in fields(answers) if f.name != "texts"}
    return Answers(**part, texts=tuple(answers.texts[row] for row in rows.tolist()))
