"""What PPO tells while it learns, in TRL's names: gathered pass by pass, told as means."""

import math
from collections import defaultdict

from cai_core.train.policy.advantages import Clipped, Tensor, explained_variance, masked_mean
from cai_core.train.policy.rollouts import Answers, Rollout


class Meters:
    """Values by name since they were last taken."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = defaultdict(list)

    def note(self, name: str, value: Tensor | float) -> None:
        self._values[name].append(float(value))

    def take(self) -> dict[str, float]:
        """The mean of each, leaving undefined ones out (nan where none is defined); then empty."""
        means = {}
        for name, values in self._values.items():
            told = [value for value in values if not math.isnan(value)]
            means[name] = sum(told) / len(told) if told else math.nan
        self._values.clear()
        return means

    def note_answers(
        self, answers: Answers, scores: Tensor, kl: Tensor, entropy: Tensor, kl_coef: float
    ) -> None:
        """A sampled batch: scores (B,), KL and entropy (B, T) in nats.

        KL is told an answer: k1 as it is penalised, and k3, which is never negative.
        """
        penalty = kl_coef * kl.sum(1)
        k3 = ((-kl).expm1() + kl) * answers.mask
        self.note("objective/kl", kl.sum(1).mean())
        self.note("objective/kl_k3", k3.sum(1).mean())
        self.note("objective/kl_coef", kl_coef)
        self.note("objective/entropy", (entropy * answers.mask).sum(1).mean())
        self.note("objective/non_score_reward", -penalty.mean())
        self.note("objective/rlhf_reward", (scores - penalty).mean())
        self.note("objective/scores", scores.mean())
        self.note("objective/scores_std", scores.std(correction=0))
        self.note("val/response_length", answers.mask.sum(1).float().mean())
        self.note("val/num_eos_tokens", answers.ended.sum())

    def note_values(self, rollout: Rollout) -> None:
        found = explained_variance(rollout.values, rollout.returns, rollout.mask)
        self.note("val/explained_variance", found)

    def note_losses(
        self, mask: Tensor, change: Tensor, entropy: Tensor, policy: Clipped, value: Clipped
    ) -> None:
        """One pass; `change` (B, T) is the new log-probability less the old one."""
        found = {
            "policy/approxkl_avg": 0.5 * change**2,
            "policy/clipfrac_avg": policy.clipped,
            "policy/entropy_avg": entropy,
            "loss/policy_avg": policy.loss.detach(),
            "loss/value_avg": value.loss.detach(),
            "val/clipfrac_avg": value.clipped,
            "val/ratio": change.exp(),
        }
        for name, values in found.items():
            self.note(name, masked_mean(values, mask))

    def note_first_ratio(self, change: Tensor) -> None:
        """How far a batch's first ratio is from 1: more than 1e-4 means sampling and learning differ."""
        self.note("val/first_ratio_gap", change.expm1().abs().max())
