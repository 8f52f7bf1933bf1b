"""Answers written by the policy: prompts by length, finished rows leave, nothing is read twice.

Sampling leaves every token in (top_k 0, top_p 1), at the temperature that the log-probabilities
use. What the policy gives on the way (log-probabilities, entropies, hidden states) is kept, so that
no further pass over the answers is needed for them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cai_core.schema import Chat
from cai_core.train.configs import PpoConfig
from cai_core.train.policy.advantages import Tensor
from cai_core.train.policy.logprobs import last_hidden
from cai_core.train.policy.rollouts import Answers, render

ASK_EVERY = 8  # tokens between two questions whether to stop
LEAVE_AT = 0.25  # share of finished rows from which copying the cache is cheaper than carrying them

Head = Callable[[Tensor], Tensor]  # hidden states (b, H) to values (b,)


@dataclass(frozen=True)
class Written:
    """Answers, and what the policy gave while it wrote them, each (B, T); `values` with a head only."""

    answers: Answers
    logprobs: Tensor
    entropy: Tensor
    values: Tensor | None


def sample(
    policy: Any,
    tokenizer: Any,
    chats: Sequence[Chat],
    config: PpoConfig,
    before_each: Callable[[], None] = lambda: None,
) -> Answers:
    """One answer a prompt; see `write`."""
    return write(policy, tokenizer, chats, config, before_each=before_each).answers


def write(
    policy: Any,
    tokenizer: Any,
    chats: Sequence[Chat],
    config: PpoConfig,
    *,
    head: Head | None = None,
    before_each: Callable[[], None] = lambda: None,
) -> Written:
    """One answer a prompt, `local_rollout_forward_batch_size` at a time, by the global random state.

    Args:
        head: values from the hidden state before each token.
        before_each: called every few tokens; what it raises ends the sampling.
    """
    import torch

    ids, mask = (part.to(policy.device) for part in render(tokenizer, chats))
    pen = _Pen(policy, tokenizer, config, head, before_each)
    page = _Page.blank(len(chats), config.response_length, tokenizer.pad_token_id, policy.device)
    order = mask.sum(1).argsort(stable=True)
    with torch.no_grad():
        for rows in order.split(config.local_rollout_forward_batch_size):
            width = int(mask[rows].sum(1).max())
            pen.write(ids[rows, -width:], mask[rows, -width:], page, rows)
    return page.written(ids, mask, tokenizer, with_values=head is not None)


@dataclass(frozen=True)
class _Page:
    """What is being written, filled token by token."""

    ids: Tensor  # (B, L)
    logprobs: Tensor
    entropy: Tensor
    values: Tensor

    @classmethod
    def blank(cls, rows: int, length: int, pad: int, device: Any) -> "_Page":
        import torch

        zeros = torch.zeros(3, rows, length, device=device)
        ids = torch.full((rows, length), pad, dtype=torch.long, device=device)
        return cls(ids, *zeros.unbind())

    def written(self, ids: Tensor, mask: Tensor, tokenizer: Any, *, with_values: bool) -> Written:
        """Cut to the longest answer; `mask` covers each with its end of turn."""
        is_end = self.ids == tokenizer.eos_token_id
        # up to and with the first end of turn; an answer without one is as long as it may be
        counts = is_end.cumsum(1) - is_end.long() == 0
        width = int(counts.sum(1).max())
        response, counted = self.ids[:, :width], counts[:, :width].long()
        texts = tokenizer.batch_decode(response, skip_special_tokens=True)
        answers = Answers(ids, mask, response, counted, is_end.any(1), tuple(texts))
        kept = [(part[:, :width] * counted) for part in (self.logprobs, self.entropy, self.values)]
        return Written(answers, kept[0], kept[1], kept[2] if with_values else None)


@dataclass(frozen=True)
class _Pen:
    """Who writes, and how."""

    policy: Any
    tokenizer: Any
    config: PpoConfig
    head: Head | None
    before_each: Callable[[], None]

    def write(self, ids: Tensor, mask: Tensor, page: _Page, rows: Tensor) -> None:
        """Fill the page's `rows` from prompts (b, Q) padded on the left."""
        import torch
        from transformers import DynamicCache

        cache = DynamicCache(config=self.policy.config)
        running = torch.ones_like(rows, dtype=torch.bool)
        for place in range(self.config.response_length):
            if place % ASK_EVERY == 0:
                self.before_each()
            token = self._next(ids, mask, cache, page, (rows, place))
            running = running & (token != self.tokenizer.eos_token_id)
            alive = int(running.sum())
            if not alive:
                return
            if len(rows) - alive >= LEAVE_AT * len(rows):
                kept = running.nonzero().squeeze(1)
                cache.batch_select_indices(kept)
                rows, token, mask, running = (one[kept] for one in (rows, token, mask, running))
            ids = token[:, None]
            mask = torch.cat((mask, mask.new_ones(len(rows), 1)), dim=1)

    def _next(
        self, ids: Tensor, mask: Tensor, cache: Any, page: _Page, where: tuple[Tensor, int]
    ) -> Tensor:
        """Read `ids` behind the cache, draw a token a row, and note it with what is known of it."""
        import torch

        rows, place = where
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        with last_hidden(self.policy) as seen:
            logits = self.policy(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
        logs = (logits.float() / self.config.temperature).log_softmax(-1)  # (b, V)
        chances = logs.exp()
        token = torch.multinomial(chances, 1).squeeze(1)
        page.ids[rows, place] = _unless_ended(page.ids, rows, place, token, self.tokenizer)
        page.logprobs[rows, place] = logs.gather(-1, token[:, None]).squeeze(1)
        page.entropy[rows, place] = -(chances * logs).sum(-1)
        if self.head is not None:
            page.values[rows, place] = self.head(seen[-1][:, -1])
        return token


def _unless_ended(ids: Tensor, rows: Tensor, place: int, token: Tensor, tokenizer: Any) -> Tensor:
    """The token, or padding where the row ended before and only waits for others to leave with."""
    ended = (ids[rows, :place] == tokenizer.eos_token_id).any(1)
    return token.masked_fill(ended, tokenizer.pad_token_id)
