"""PPO's arithmetic on tensors of shape (B, T): answers by their tokens. No model, no state.

`mask` (B, T) is 1 on an answer's tokens up to and including its end of turn, and 0 after it.
Only methods of the tensors are used, so that importing this file loads no torch.
"""

from dataclasses import dataclass
from typing import Any

Tensor = Any


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens that count."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Mean 0 and deviation 1 (of a sample, as TRL's) over the tokens that count; 0 elsewhere."""
    centred = values - masked_mean(values, mask)
    variance = (centred**2 * mask).sum() / (mask.sum() - 1).clamp(min=1)
    return centred * (variance + 1e-8).rsqrt() * mask


def token_rewards(scores: Tensor, kl: Tensor, mask: Tensor, *, kl_coef: float) -> Tensor:
    """-kl_coef times k1 at every token, and the answer's score at its last one.

    k1 = log pi - log pi_ref is the unbiased choice for a reward (arXiv 2512.21852).

    Args:
        scores: (B,). kl, mask: (B, T), each answer at least one token long.
    """
    rewards = -kl_coef * kl * mask  # (B, T)
    last = mask.sum(1).long() - 1  # (B,)
    return rewards.scatter_add(1, last[:, None], scores[:, None].to(rewards.dtype))


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation (Schulman et al. 2016, eq. 16) and the returns.

    delta_t = r_t + gamma V_{t+1} - V_t;  A_t = delta_t + gamma lam A_{t+1};  return_t = A_t + V_t.
    Nothing is worth anything after an answer's last token.
    """
    values = values * mask
    advantages = rewards.new_zeros(rewards.shape)
    ahead = next_value = rewards.new_zeros(rewards.shape[0])
    for t in reversed(range(rewards.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        ahead = (delta + gamma * lam * ahead) * mask[:, t]
        next_value = values[:, t]
        advantages[:, t] = ahead
    return advantages, (advantages + values) * mask


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> float:
    """1 - Var(returns - values) / Var(returns): 1 is a perfect value model, 0 a constant; else nan."""

    def variance(x: Tensor) -> float:
        return float(masked_mean((x - masked_mean(x, mask)) ** 2, mask))

    spread = variance(returns)
    return 1 - variance(returns - values) / spread if spread > 1e-12 else float("nan")


@dataclass(frozen=True)
class Clipped:
    """A clipped loss a token (B, T), and 1 where the clip held it."""

    loss: Tensor
    clipped: Tensor


def policy_loss(ratio: Tensor, advantages: Tensor, *, cliprange: float) -> Clipped:
    """max(-A r, -A clip(r, 1 - e, 1 + e)) (Schulman et al. 2017, eq. 7)."""
    free = -advantages * ratio
    held = -advantages * ratio.clamp(1 - cliprange, 1 + cliprange)
    return Clipped(free.maximum(held), (held > free).float())


def value_loss(values: Tensor, old: Tensor, returns: Tensor, *, cliprange: float) -> Clipped:
    """Half the larger squared error of the value and of its clipped step from the old one."""
    near = old + (values - old).clamp(-cliprange, cliprange)
    free, held = (values - returns) ** 2, (near - returns) ** 2
    return Clipped(0.5 * free.maximum(held), (held > free).float())


def steered_kl_coef(kl_coef: float, kl: float, *, target: float | None, share: float) -> float:
    """The coefficient after seeing `kl` nats an answer (Ziegler et al. 2019, section 2.2).

    Args:
        target: nats an answer; without one the coefficient stays.
        share: episodes seen, as a share of the horizon.

    >>> round(steered_kl_coef(0.1, 12.0, target=6.0, share=0.1), 4)
    0.102
    """
    if target is None:
        return kl_coef
    error = max(-0.2, min(0.2, kl / target - 1))
    return kl_coef * (1 + error * share)
