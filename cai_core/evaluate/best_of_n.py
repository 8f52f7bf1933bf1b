"""What a reward model loves and hates: n answers a prompt, scored, the best and the worst kept."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cai_core.errors import DataError, ModelError
from cai_core.feedback.batch import generate_each
from cai_core.models.protocol import Model
from cai_core.schema import Chat, Hooks, Progress, Prompt, Row, Sampling, assistant, chat_row
from cai_core.stats import or_null
from cai_core.text import is_refusal

QUIET = Hooks()
Score = Callable[[Sequence[Chat]], Sequence[float]]  # chats that end in the answer


@dataclass(frozen=True)
class Scored:
    """One answer and its score."""

    text: str
    score: float


@dataclass(frozen=True)
class Choice:
    """One prompt with its answers, best first."""

    prompt: Prompt
    answers: tuple[Scored, ...]

    def to_row(self) -> Row:
        best, worst = self.answers[0], self.answers[-1]
        row: Row = {"id": self.prompt.id, "prompt": chat_row(self.prompt.messages)}
        row |= {"best": vars(best).copy(), "worst": vars(worst).copy()}
        return row | {"scores": [answer.score for answer in self.answers]}


@dataclass(frozen=True)
class Preview:
    """The choices, and what the scores go with; a correlation is nan where it is undefined.

    `failed` counts prompts that the model could not answer; they are left out.
    """

    n: int
    choices: tuple[Choice, ...]
    failed: int = 0

    def to_row(self) -> Row:
        answers = [answer for choice in self.choices for answer in choice.answers]
        scores = [answer.score for answer in answers]
        lengths = [float(len(answer.text.split())) for answer in answers]
        refusals = [float(is_refusal(answer.text)) for answer in answers]
        return {
            "kind": "best-of-n",
            "n": self.n,
            "prompts": len(self.choices),
            "failed": self.failed,
            "score_mean": float(np.mean(scores)),
            "score_sd": float(np.std(scores)),
            "gain": self.gain,
            "correlation_with_length": or_null(correlation(scores, lengths)),
            "correlation_with_refusal": or_null(correlation(scores, refusals)),
            "rows": [choice.to_row() for choice in self.choices],
        }

    @property
    def gain(self) -> float:
        """How far the best answer of a prompt scores over that prompt's mean, on average."""
        gains = []
        for choice in self.choices:
            scores = [answer.score for answer in choice.answers]
            gains.append(max(scores) - float(np.mean(scores)))
        return float(np.mean(gains))


def best_of_n(
    prompts: Sequence[Prompt],
    model: Model,
    score: Score,
    *,
    n: int,
    sampling: Sampling,
    hooks: Hooks = QUIET,
) -> Preview:
    """Sample n answers to every prompt and order them by score.

    Args:
        n: at least 2. sampling: the k-th answer uses its seed plus k.
    Raises:
        DataError: no prompt, or n under 2. Stopped: as asked. ModelError: no prompt was answered.
    """
    if not prompts:
        raise DataError("best-of-n needs at least one prompt")
    if n < 2:
        raise DataError("best-of-n needs at least two answers a prompt")
    answers: dict[int, list[str]] = {place: [] for place in range(len(prompts))}
    for k in range(n):
        chats = [prompts[place].messages for place in answers]
        draws = generate_each(model, chats, _seeded(sampling, k), hooks)
        for place, draw in zip(list(answers), draws, strict=True):
            if isinstance(draw, ModelError):
                del answers[place]
                if not answers:
                    raise draw
            else:
                answers[place].append(draw.text)
        hooks.progress(Progress((k + 1) * len(prompts), n * len(prompts)))
    flat = [(*prompts[i].messages, assistant(t)) for i, texts in answers.items() for t in texts]
    scores = iter(score(flat))
    choices = [
        Choice(prompts[i], _ordered([Scored(text, float(next(scores))) for text in texts]))
        for i, texts in answers.items()
    ]
    return Preview(n, tuple(choices), len(prompts) - len(choices))


def _seeded(sampling: Sampling, k: int) -> Sampling:
    return Sampling(**{**vars(sampling), "seed": sampling.seed + k})


def _ordered(answers: Sequence[Scored]) -> tuple[Scored, ...]:
    return tuple(sorted(answers, key=lambda answer: -answer.score))


def correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Pearson's correlation; nan where either does not vary.

    >>> round(correlation([1, 2, 3], [2, 4, 6]), 6)
    1.0
    """
    if len(x) < 2 or np.std(x) == 0 or np.std(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])
