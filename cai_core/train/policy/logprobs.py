"""Log-probabilities of answer tokens, with little memory: the vocabulary is wide, and of an answer only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cai_core.train.policy.advantages import Tensor
from cai_core.train.policy.rollouts import Answers, Rollout, joined


def token_logprobs(logits: Tensor, ids: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """log pi(token) and the entropy (without gradient), both (B, T).

    A row at a time, so that float32 copies of the logits (B, T, V) are one row's.
    """
    import torch

    picked, entropy = [], []
    for row, tokens in zip(logits, ids, strict=True):
        scaled = row.float() if temperature == 1 else row.float() / temperature  # (T, V)
        total = scaled.logsumexp(-1)  # (T,)
        picked.append(scaled.gather(-1, tokens[:, None]).squeeze(-1) - total)
        with torch.no_grad():
            chances = (scaled - total[:, None]).exp_()
            entropy.append(total - chances.mul_(scaled).sum(-1))
    return torch.stack(picked), torch.stack(entropy)


def read(policy: Any, batch: Answers | Rollout, temperature: float) -> tuple[Tensor, ...]:
    """One pass over prompts and answers: log-probabilities and entropies (B, T), and the last hidden
    states (B, T, H) just before each answer token."""
    ids, mask, positions = joined(batch)
    length = batch.response_ids.shape[1]
    with last_hidden(policy) as seen:
        logits = policy(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            logits_to_keep=length + 1,
            use_cache=False,
        ).logits[:, :-1]  # (B, T, V): what stands before each answer token
    logprobs, entropy = token_logprobs(logits, batch.response_ids, temperature)
    return logprobs, entropy, seen[-1][:, -length - 1 : -1]


def logprobs_of(policy: Any, batch: Answers | Rollout, temperature: float) -> tuple[Tensor, Tensor]:
    """log pi(token) and the entropy (without gradient) at each answer token, both (B, T)."""
    logprobs, entropy, _ = read(policy, batch, temperature)
    return logprobs, entropy


@contextmanager
def last_hidden(policy: Any) -> Iterator[list[Tensor]]:
    """Keep what the body gives to the language head, whatever the architecture, while the block runs."""
    seen: list[Tensor] = []
    hook = policy.base_model.register_forward_hook(
        lambda module, given, out: seen.append(out.last_hidden_state)
    )
    try:
        yield seen
    finally:
        hook.remove()
