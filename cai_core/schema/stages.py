"""What a stage is told, tells and asks; how a model writes, and what it wrote."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far a stage is; `total` is 0 while it is not known.

    `done`, `total` and `failed` count rows; `asked` counts what the model was asked for them, and
    `cached` how much of that was paid for before.
    """

    done: int
    total: int
    tokens: int = 0
    cached: int = 0
    failed: int = 0
    asked: int = 0

    @property
    def from_cache(self) -> str:
        """How much was paid for before, in words; "" where no model was asked.

        >>> Progress(10, 20, asked=640, cached=320).from_cache
        'cached 320 of 640 questions'
        """
        return f"cached {self.cached} of {self.asked} questions" if self.asked else ""


@dataclass
class Usage:
    """What a model was asked so far, in questions and tokens; `cached` questions cost nothing.

    Tokens are those read and written by the model itself, none for cached questions. Where a server
    does not count, they are estimates.
    """

    asked: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        mine, others = vars(self), vars(other)
        return Usage(**{name: mine[name] + others[name] for name in mine})

    def since(self, before: "Usage") -> "Usage":
        """What came on top of an earlier copy.

        >>> Usage(5, 2).since(Usage(3, 2))
        Usage(asked=2, cached=0, prompt_tokens=0, tokens=0)
        """
        now, then = vars(self), vars(before)
        return Usage(**{name: now[name] - then[name] for name in now})


ProgressHook = Callable[[Progress], None]
StopHook = Callable[[], bool]
MetricHook = Callable[[int, Mapping[str, float]], None]  # (step, values)
EventHook = Callable[[str, Mapping[str, Any]], None]  # (what happened, its details)


def no_progress(progress: Progress) -> None:
    """Say nothing."""


def never_stop() -> bool:
    return False


def no_metric(step: int, values: Mapping[str, float]) -> None:
    """Keep nothing."""


def no_event(event: str, detail: Mapping[str, Any]) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Hooks:
    """What a stage tells and asks of whoever runs it; `should_stop` at least once a batch or step."""

    progress: ProgressHook = no_progress
    should_stop: StopHook = never_stop
    metric: MetricHook = no_metric
    event: EventHook = no_event


@dataclass(frozen=True)
class Sampling:
    """How a model writes. `temperature` 0 is greedy; `top_k` 0 and `top_p` 1 leave all tokens in.

    Defaults: temperature 1 as in CAI section 3.1; 256 tokens hold most hh answers.
    """

    max_new_tokens: int = 256
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """One generated answer; `finished` is False when it was cut at `max_new_tokens`.

    `thinking` is what a stage took off its front: it is no part of the answer.
    """

    text: str
    tokens: int
    finished: bool
    prompt_tokens: int = 0
    cached: bool = False
    thinking: str = ""
