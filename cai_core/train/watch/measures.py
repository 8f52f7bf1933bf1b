"""What the alarms read in a run's logs: one name a measure, whoever logs it, and its course so far."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from cai_core.schema import Row
from cai_core.train.configs import TrainingConfig

ENOUGH = 32  # answers behind a mean that is compared: a share is known to 0.09 then
SHORTEST = 3  # logs in such a mean
LOSS_LOGS = 10  # and of losses, which jump from one batch to the next
VALUE_LOGS = (
    5  # logs running in which a value model that has learned something is no worse than a constant
)

# ours -> PPO's (TRL 1.12) and that of TRL's online trainers
_NAMES = {
    "reward": ("objective/scores", "reward"),
    "spread": ("objective/scores_std", "reward_std"),
    "length": ("val/response_length", "completions/mean_length"),
    "clipped": ("policy/clipfrac_avg", "clip_ratio/region_mean"),
    "value": ("val/explained_variance",),
    "first_ratio": ("val/first_ratio_gap",),
}
_SIZES = {"loss": LOSS_LOGS, "value": VALUE_LOGS, "first_ratio": 1, "eval_loss": 1}
MAY_BE_UNDEFINED = ("explained_variance", "eps", "accuracy", "margin")


@dataclass(frozen=True)
class Watched:
    """What a run's numbers mean.

    Args:
        kl_target: nats an answer that the run steers to; without one a bound is used.
        answers: in one log's means. value_after: the step up to which the value model warms up.
        exact: the weights are float32, in which a first ratio is 1 within 1e-4.
    """

    kl_target: float | None = None
    answers: int = ENOUGH
    value_after: int = 0
    exact: bool = True

    @classmethod
    def of(cls, config: TrainingConfig, *, exact: bool = True) -> Self:
        """As the settings of any method say; what a method has not is not asked of it."""
        steps = getattr(config, "steps_per_batch", 1)
        return cls(
            kl_target=getattr(config, "kl_target", None),
            answers=getattr(config, "batch_size", None) or ENOUGH,
            value_after=getattr(config, "num_value_warmup_batches", 0) * steps,
            exact=exact,
        )

    def window(self, name: str) -> int:
        """How many logs of a measure are looked at together."""
        return _SIZES.get(name, max(SHORTEST, math.ceil(ENOUGH / self.answers)))


@dataclass
class Course:
    """One measure: its first and last `size` values, and the lowest mean of so many."""

    size: int
    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    count: int = 0
    lowest: float | None = None
    no_lower: int = 0  # logs running in which it is no lower than at the start

    def add(self, value: float) -> None:
        self.count += 1
        if len(self.first) < self.size:
            self.first.append(value)
        self.last = [*self.last, value][-self.size :]
        if self.count >= self.size:
            now = self.now
            self.lowest = now if self.lowest is None else min(self.lowest, now)
            self.no_lower = self.no_lower + 1 if self.apart and now >= self.start else 0

    @property
    def full(self) -> bool:
        return self.count >= self.size

    @property
    def apart(self) -> bool:
        """Whether start and now have no log in common."""
        return self.count >= 2 * self.size

    @property
    def start(self) -> float:
        return sum(self.first) / len(self.first)

    @property
    def now(self) -> float:
        return sum(self.last) / len(self.last)

    def to_row(self) -> Row:
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        return cls(**row)


def readings(values: Mapping[str, float], watched: Watched) -> dict[str, float]:
    """The measures of one log under our names; those that are undefined are left out.

    `kl` is in nats an answer, `entropy` in nats a token, `truncated` a share of the answers.
    """
    found = {ours: _first(values, names) for ours, names in _NAMES.items()}
    found |= {name: values.get(name) for name in ("loss", "eval_loss")}
    found["kl"] = values.get("objective/kl")
    found["entropy"] = values.get("policy/entropy_avg")
    length, ended = values.get("completions/mean_length"), values.get("val/num_eos_tokens")
    found["truncated"] = values.get("completions/clipped_ratio")
    if length is not None:  # TRL's online trainers tell means a token
        found["entropy"] = values.get("entropy")
        if found["kl"] is None and "kl" in values:
            found["kl"] = values["kl"] * length
    elif ended is not None:
        found["truncated"] = 1 - ended / watched.answers
    return {k: v for k, v in found.items() if v is not None and math.isfinite(v)}


def undefined(values: Mapping[str, float]) -> list[str]:
    """Names in a log that are nan or infinite and must not be."""
    return [
        name
        for name, value in values.items()
        if not math.isfinite(value) and not any(part in name for part in MAY_BE_UNDEFINED)
    ]


def _first(values: Mapping[str, float], names: tuple[str, ...]) -> float | None:
    return next((values[name] for name in names if name in values), None)
