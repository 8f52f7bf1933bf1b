"""Shift and scale of a reward model, set once: the answers that it will be asked about have mean 0 and
deviation 1 under it. Those are the policy's own samples; where there are none, training answers.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from cai_core.errors import TrainError
from cai_core.schema import Chat, Hooks, Row
from cai_core.train import checkpoints
from cai_core.train.card import Run

ENOUGH = 256  # answers: their mean is known to 0.06 deviations
OF_TRAINING = "training answers"


class Scorer(Protocol):
    """A reward model of either kind."""

    def raw(
        self, chats: Sequence[Chat | list[Row]], *, hooks: Hooks | None = None
    ) -> list[float]: ...

    def score(
        self, chats: Sequence[Chat | list[Row]], *, hooks: Hooks | None = None
    ) -> list[float]: ...

    def shared_prompt(self, prompt: list[Row], answers: list[Row]) -> list[Row]: ...


@dataclass(frozen=True)
class PolicyAnswers:
    """Chats that end in answers sampled from a policy; `of` says whose and how many."""

    chats: tuple[Chat, ...]
    of: str

    @classmethod
    def by(cls, policy: str, chats: Sequence[Chat]) -> "PolicyAnswers":
        """The first ENOUGH of a policy's answers."""
        used = tuple(chats[:ENOUGH])
        return cls(used, f"answers of {policy}")


def spread(
    judge: Scorer, chats: Sequence[Chat | list[Row]], of: str, *, hooks: Hooks | None = None
) -> Row:
    """Shift and scale from the raw scores of `chats`: {shift, scale, n, of}.

    Raises:
        TrainError: no chat.
    """
    if not chats:
        raise TrainError("shift and scale of a reward model need at least one answer")
    scores = judge.raw(chats, hooks=hooks)
    scale = statistics.pstdev(scores)
    return {
        "shift": statistics.fmean(scores),
        "scale": scale if scale > 1e-6 else 1.0,
        "n": len(scores),
        "of": of,
    }


def calibrated(
    folder: Path, judge: Scorer, answers: PolicyAnswers, *, hooks: Hooks | None = None
) -> Run:
    """Set shift and scale of a finished reward model on these answers, in its run.json and card.

    A model that was set on the same policy's answers stays as it is.
    """
    run = Run.read(folder)
    if (run.reward or {}).get("of") == answers.of:
        return run
    found = spread(judge, answers.chats, answers.of, hooks=hooks)
    run = replace(run, reward={**(run.reward or {}), **found})
    whole = checkpoints.is_complete(folder)
    run.write(folder)
    if whole:
        checkpoints.mark_complete(folder)
    return run
