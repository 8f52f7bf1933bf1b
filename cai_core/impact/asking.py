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
Known = Mapping[str, Mapping[str, float]]  # pair id -> question id -> P(response_a is better)


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
    todo: Sequence[tuple[Part, Sequence[Pair]]],
    bench: Bench,
    *,
    known: Known | None = None,
    hooks: Hooks = QUIET,
) -> Iterator[Answered]:
    """What the judge says to each part's questions on its pairs, in that order.

    Args:
        known: votes by pair id and question id that the main part need not ask for.
    Raises:
        Stopped: as asked, between blocks. GaveUpError: many pairs in a row failed alike in the main
            part; another part goes on without the judge.
    """
    count = Tally(sum(len(pairs) for _, pairs in todo), hooks, [bench.model])
    for part, pairs in todo:
        gone, stored = "", (known or {}) if part.name == MAIN else {}
        for block in growing(pairs):
            unasked = (Answered(pair, part.name, error=gone) for pair in block)
            for answered in unasked if gone else _block(part, block, bench, stored, hooks):
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


@dataclass
class _Heard:
    """What one pair has brought so far; `said` tells why a question brought nothing."""

    votes: dict[str, float] = field(default_factory=dict)
    failed: str = ""
    said: str = ""

    def hear(self, label: Label, votes: Mapping[str, float]) -> None:
        """A label without mass was not judged at all; one with mass may lack votes only."""
        self.votes |= votes
        if label.error and label.mass is None:
            self.failed = self.failed or label.error
        self.said = self.said or label.error


def _block(
    part: Part, pairs: Sequence[Pair], bench: Bench, known: Known, hooks: Hooks
) -> Iterator[Answered]:
    silent = Hooks(should_stop=hooks.should_stop)
    heard = {pair.id: _Heard() for pair in pairs}
    for ids, some in _by_missing(part, pairs, known).items():
        for label in _labels(bench, some, part.rules(ids), "each", part.template, silent):
            heard[label.pair.id].hear(label, label.votes)
    for id, version in part.drawn.items():
        for label in _labels(bench, pairs, version, "draw", part.template, silent):
            votes = {} if label.p_a is None else {id: label.p_a}
            heard[label.pair.id].hear(label, votes)
    for pair in pairs:
        found = heard[pair.id]
        enough = part.decides({**known.get(pair.id, {}), **found.votes})
        yield Answered(pair, part.name, found.votes, found.failed or ("" if enough else found.said))


def _by_missing(
    part: Part, pairs: Sequence[Pair], known: Known
) -> dict[tuple[str, ...], list[Pair]]:
    """Pairs that lack the same votes are asked together; those that lack none are not asked."""
    groups: dict[tuple[str, ...], list[Pair]] = {}
    for pair in pairs:
        ids = part.missing(known.get(pair.id, {}))
        if ids:
            groups.setdefault(ids, []).append(pair)
    return groups


def _labels(
    bench: Bench,
    pairs: Sequence[Pair],
    rules: Constitution,
    mode: str,
    template: str,
    hooks: Hooks,
) -> Iterator[Label]:
    """One label a pair: whether to give up is for `answers` to say, which knows the stored votes."""
    rest = pairs
    while rest:
        made = 0
        try:
            for label in bench.labels(rest, rules, mode, template, hooks):
                made += 1
                yield label
        except GaveUpError:
            pass
        rest = rest[made:]
