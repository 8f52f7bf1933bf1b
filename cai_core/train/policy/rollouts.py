"""Rollouts: answers sampled from the policy, scored, and made ready to learn from.

Sampling leaves every token in (top_k 0, top_p 1), at the temperature that the log-probabilities
use; so the first minibatch's ratio is 1. Shapes: B answers, Q prompt tokens (padded on the left),
T answer tokens (padded on the right).
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from cai_core.errors import TrainError
from cai_core.schema import Chat, chat_row
from cai_core.train.configs import PpoConfig
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
    """Answers with what the losses need; all (B, ...), nothing with a gradient."""

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


def sample(
    policy: Any,
    tokenizer: Any,
    chats: Sequence[Chat],
    config: PpoConfig,
    before_each: Callable[[], None] = lambda: None,
) -> Answers:
    """One answer a prompt, `local_rollout_forward_batch_size` at a time.

    `before_each` is called before each such part; what it raises ends the sampling.
    """
    import torch

    ids, mask = (part.to(policy.device) for part in render(tokenizer, chats))
    step = config.local_rollout_forward_batch_size
    parts = []
    for start in range(0, len(chats), step):
        before_each()
        rows = slice(start, start + step)
        parts.append(_generate(policy, tokenizer, ids[rows], mask[rows], config))
    width = max(part.shape[1] for part in parts)
    padded = [
        torch.nn.functional.pad(part, (0, width - part.shape[1]), value=tokenizer.pad_token_id)
        for part in parts
    ]
    responses = torch.cat(padded)  # (B, T)
    is_end = responses == tokenizer.eos_token_id
    # True up to and with the first end of turn; an answer without one is as long as all of them
    response_mask = (is_end.cumsum(1) - is_end.long() == 0).long()
    kept = responses.masked_fill(response_mask == 0, tokenizer.pad_token_id)
    texts = tokenizer.batch_decode(kept, skip_special_tokens=True)
    return Answers(ids, mask, kept, response_mask, is_end.any(1), tuple(texts))


def _generate(policy: Any, tokenizer: Any, ids: Tensor, mask: Tensor, config: PpoConfig) -> Tensor:
    """Sampled tokens after the prompts, (b, T')."""
    import torch
    from transformers import GenerationConfig

    how = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=True,
        temperature=config.temperature,
        top_k=0,
        top_p=1.0,
        max_new_tokens=config.response_length,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.no_grad(), _only(policy, how):
        whole = policy.generate(input_ids=ids, attention_mask=mask)
    return whole[:, ids.shape[1] :]


@contextmanager
def _only(policy: Any, how: Any) -> Iterator[None]:
    """Sample by `how` alone: transformers fills what it leaves open from the model's own settings."""
    own = policy.generation_config
    policy.generation_config = how
    try:
        yield
    finally:
        policy.generation_config = own


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


def logprobs_of(policy: Any, batch: Answers | Rollout, temperature: float) -> tuple[Tensor, Tensor]:
    """log pi(token) and the entropy (without gradient) at each answer token, both (B, T)."""
    ids, mask, positions = joined(batch)
    logits = policy(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        logits_to_keep=batch.response_ids.shape[1] + 1,
        use_cache=False,
    ).logits[:, :-1]  # (B, T, V): what stands before each answer token
    logs = (logits.float() / temperature).log_softmax(-1)
    picked = logs.gather(-1, batch.response_ids[..., None]).squeeze(-1)
    known = logs.detach()
    return picked, -(known.exp() * known).sum(-1)


def in_parts(answers: Answers, measure: Callable[[Answers], Any], size: int) -> tuple[Tensor, ...]:
    """The tensors that `measure` gives of `size` answers at a time, put together again."""
    import torch

    found = []
    for start in range(0, len(answers.texts), size):
        rows = slice(start, start + size)
        part = {f.name: getattr(answers, f.name)[rows] for f in fields(answers)}
        found.append(measure(Answers(**part)))
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))
