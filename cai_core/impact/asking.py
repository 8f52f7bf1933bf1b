"""Asks the questions of a plan, part by part, in growing blocks so that the first answers come soon."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, TypeVar

from cai_core.errors import GaveUpError
from cai_core.feedback.batch import Tally
from cai_core.feedback.examples import Worked
from cai_core.feedback.judge import judge
from cai_core.impact.plan import MAIN, Part
from cai_core.models.protocol import Model
from cai_core.schema import Constitution, Hooks, Label, Pair, Row
from cai_core.settings import JudgeSetting

T = TypeVar("T")
FIRST, MOST = 2, 32  # pairs in the first block, and in the largest
QUIET = Hooks()


@dataclass(frozen=True)
class Answered:
    """The votes on one pair in one part, by question: each P(response_a is better)."""

    pair: Pair
    part: str
    votes: Mapping[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def id(self) -> str:
        return row_id(self.pair.id, self.part)

    def to_row(self) -> Row:
        row = {"id": self.id, "pair": self.pair.to_row(), "part": self.part}
        return row | {"votes": dict(self.votes)} | ({"error": self.error} if self.error else {})

    @classmethod
    def from_row(cls, row: Row) -> Self:
        pair = Pair.from_row(row["pair"])
        return cls(pair, row["part"], row["votes"], row.get("error", ""))


def row_id(pair_id: str, part: str) -> str:
    return f"{pair_id}:{part}"


@dataclass(frozen=True)
class Bench:
    """Who judges, and how; a panel is not asked, only its first judge."""

    model: Model
    setting: JudgeSetting
    examples: Sequence[Worked]
    seed: int = 0

    def labels(
        self, pairs: Sequence[Pair], rules: Constitution, mode: str, template: str, hooks: Hooks
    ) -> Iterator[Label]:
        abstain = self.setting.abstain and self.setting.principles != "whole"
        how = {"principles": mode, "template": template, "abstain": abstain, "panel": ()}
        setting = self.setting.model_copy(update=how)
        return judge(
            pairs,
            rules,
            self.model,
            setting,
            seed=self.seed,
            hooks=hooks,
            examples=self.examples,
        )


def answers(
    todo: Sequence[tuple[Part, Sequence[Pair]]], bench: Bench, *, hooks: Hooks = QUIET
) -> Iterator[Answered]:
    """What the judge says to each part's questions on its pairs, in that order.

    Raises:
        Stopped: as asked, between blocks. GaveUpError: many pairs in a row failed alike in the main
            part; another part goes on without the judge.
    """
    count = Tally(sum(len(pairs) for _, pairs in todo), hooks, [bench.model])
    for part, pairs in todo:
        gone = ""
        for block in growing(pairs):
            unasked = (Answered(pair, part.name, error=gone) for pair in block)
            for answered in unasked if gone else _block(part, block, bench, hooks):
                yield answered
                try:
                    count.finished(answered.error)
                except GaveUpError as given_up:
                    if part.name == MAIN:
                        raise
                    gone = str(given_up)


def growing(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Blocks of the items in their order, each twice as large as the one before, to a limit.

    >>> [len(block) for block in growing(range(20))]
    [2, 4, 8, 6]
    """
    start, size = 0, FIRST
    while start < len(items):
        yield items[start : start + size]
        start, size = start + size, min(2 * size, MOST)


def _block(part: Part, pairs: Sequence[Pair], bench: Bench, hooks: Hooks) -> Iterator[Answered]:
    silent = Hooks(should_stop=hooks.should_stop)
    heard: list[dict[str, float]] = [{} for _ in pairs]
    errors = [""] * len(pairs)
    if part.rules:
        labels = bench.labels(pairs, part.rules, "each", part.template, silent)
        for place, label in enumerate(labels):
            heard[place] |= label.votes
            errors[place] = label.error
    for id, version in part.drawn.items():
        labels = bench.labels(pairs, version, "draw", part.template, silent)
        for place, label in enumerate(labels):
            errors[place] = errors[place] or label.error
            if label.p_a is not None:
                heard[place][id] = label.p_a
    for pair, votes, error in zip(pairs, heard, errors, strict=True):
        yield Answered(pair, part.name, votes, error)
