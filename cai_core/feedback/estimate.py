"""How much a run will ask, read and write, before it asks: the stage runs on a model that counts.

Every answer is counted as long as it may be, and what is read again with it: these are upper
bounds, but for what is tried again, and for the tokens themselves, which are counted by characters.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cai_core.feedback.judge import judge
from cai_core.feedback.revise import ReviseSettings, revise
from cai_core.feedback.sample import sample_pairs
from cai_core.models.counting import CountingModel
from cai_core.schema import Constitution, Pair, Prompt, Sampling
from cai_core.settings import JudgeSetting

T = TypeVar("T")

SAMPLE = 24  # rows that are counted, evenly over all; the rest is taken to be like them


@dataclass(frozen=True)
class Estimate:
    """Questions, tokens read and tokens written, at most."""

    questions: int
    prompt_tokens: int
    tokens: int


def of_judging(
    pairs: Sequence[Pair], constitution: Constitution, setting: JudgeSetting, *, context: int
) -> Estimate:
    return counted(pairs, lambda some, model: judge(some, constitution, model, setting), context)


def of_revising(
    prompts: Sequence[Prompt],
    constitution: Constitution,
    settings: ReviseSettings,
    *,
    context: int,
) -> Estimate:
    return counted(
        prompts, lambda some, model: revise(some, constitution, model, settings), context
    )


def of_sampling(prompts: Sequence[Prompt], sampling: Sampling, *, context: int) -> Estimate:
    return counted(prompts, lambda some, model: sample_pairs(some, model, sampling), context)


def counted(
    rows: Sequence[T],
    stage: Callable[[Sequence[T], CountingModel], Iterable[object]],
    context: int,
) -> Estimate:
    """Run a stage on some of the rows, and scale what was counted to all of them."""
    model = CountingModel(context)
    step = max(1, len(rows) // SAMPLE)
    some = rows[::step][:SAMPLE]
    for _ in stage(some, model):
        pass  # rows of a model that says nothing
    used = (model.usage.asked, model.usage.prompt_tokens, model.usage.tokens)
    return Estimate(*(-(-number * len(rows) // max(1, len(some))) for number in used))
