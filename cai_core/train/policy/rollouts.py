"""Rollouts: answers of the policy with what the losses need, and the order of prompts.

Shapes: B answers, Q prompt tokens (padded on the left), T answer tokens (padded on the right).
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from cai_core.errors import TrainError
from cai_core.schema import Chat, chat_row
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


def short_enough(chats: Sequence[Chat], tokenizer: Any, limit: int) -> list[Chat]:
    """Those of at most `limit` tokens. Raises TrainError where there is none."""
    short = [chat for chat in chats if len(prompt_ids(tokenizer, chat)) <= limit]
    if not short:
        raise TrainError(f"all {len(chats)} prompts are longer than max_prompt_length = {limit}")
    return short


@contextmanager
def seeded(*parts: object) -> Iterator[None]:
    """Random draws that depend on `parts` alone, whatever was drawn before and is drawn after."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(int(hashlib.sha256(repr(parts).encode()).hexdigest()[:15], 16))
        yield


class Episodes:
    """Prompt numbers for every episode: passes over the prompts, each in a new seeded order."""

    def __init__(self, prompts: int, episodes: int, seed: int) -> None:
        self._prompts, self._episodes, self._seed = prompts, episodes, seed
        self._orders: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return self._episodes

    def __getitem__(self, episode: int) -> int:
        number, place = divmod(episode, self._prompts)
        if number not in self._orders:
            order = list(range(self._prompts))
            random.Random(f"{self._seed}-{number}").shuffle(order)
            self._orders[number] = order
        return self._orders[number][place]


class Repeats:
    """A sampler that gives each run of `size` episodes `times` over before the next."""

    def __init__(self, episodes: int, *, size: int, times: int) -> None:
        self._episodes, self._size, self._times = episodes, size, times

    def __len__(self) -> int:
        return self._episodes * self._times

    def __iter__(self) -> Iterator[int]:
        for start in range(0, self._episodes, self._size):
            for _ in range(self._times):
                yield from range(start, start + self._size)


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
