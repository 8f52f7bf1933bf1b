"""Which pairs come up for review, in which order, and how likely each was to come up.

    all           every pair, shuffled
    even          a simple random sample: what it measures holds for all pairs
    uncertain     pairs that the judge is unsure of come up more often, each in proportion
    inconsistent  pairs whose two orders disagree, shuffled
    disputed      pairs on which people disagree, shuffled

`pi` is the probability that the pair came up at all, never 0, so that what was measured on a sample
can be weighed back to all pairs.
"""

import random
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, get_args

from cai_core.errors import DataError
from cai_core.schema import Label

QueueName = Literal["all", "even", "uncertain", "inconsistent", "disputed"]
QUEUES: tuple[QueueName, ...] = get_args(QueueName)
# The weight of a pair that the judge is sure of, where one it cannot decide has 1: enough of these
# come up to notice a judge that is sure and wrong.
SURE = 0.1


@dataclass(frozen=True)
class Candidate:
    """A pair that may come up, and the judgement on it where there is one."""

    pair_id: str
    judgement: Label | None = None


@dataclass(frozen=True)
class Place:
    """A pair that came up, with the probability that it did."""

    pair_id: str
    pi: float


def draw(
    name: QueueName,
    candidates: Sequence[Candidate],
    *,
    size: int | None = None,
    seed: int = 0,
    disputed: Collection[str] = (),
) -> list[Place]:
    """The queue in its order: the same seed and candidates give the same one.

    Args:
        size: how many come up, for the sampled queues `even` and `uncertain`; all by default.
        disputed: ids of pairs on which people disagree.
    Raises:
        DataError: no such queue, or a size under 1.
    """
    if name not in QUEUES:
        raise DataError(f"there is no queue '{name}'; there are {', '.join(QUEUES)}")
    if size is not None and size < 1:
        raise DataError("a queue holds at least one pair")
    chance = random.Random(f"{seed}/{name}")
    shuffled = sorted(candidates, key=lambda candidate: candidate.pair_id)
    chance.shuffle(shuffled)
    if name == "inconsistent":
        shuffled = [c for c in shuffled if c.judgement and c.judgement.inconsistent]
    if name == "disputed":
        shuffled = [c for c in shuffled if c.pair_id in disputed]
    if name not in ("even", "uncertain"):
        return [Place(candidate.pair_id, 1.0) for candidate in shuffled]
    weights = [uncertainty(c) if name == "uncertain" else 1.0 for c in shuffled]
    chances = inclusion(weights, min(size or len(shuffled), len(shuffled)))
    places = _systematic(shuffled, chances, chance.random())
    chance.shuffle(places)
    return places


def uncertainty(candidate: Candidate) -> float:
    """1 where the judge cannot decide or did not judge, down to SURE where it is sure."""
    p = candidate.judgement.p_a if candidate.judgement else None
    return 1.0 if p is None else max(SURE, 1 - 2 * abs(p - 0.5))


def inclusion(weights: Sequence[float], size: int) -> list[float]:
    """Probabilities in proportion to the weights, at most 1, that sum to `size`.

    >>> inclusion([1.0, 1.0, 8.0], 2)
    [0.5, 0.5, 1.0]
    """
    sure: set[int] = set()
    while True:
        rest = sum(weight for place, weight in enumerate(weights) if place not in sure)
        scale = (size - len(sure)) / rest if rest else 0.0
        over = {i for i, w in enumerate(weights) if i not in sure and w * scale > 1 - 1e-9}
        if not over:
            return [1.0 if i in sure else w * scale for i, w in enumerate(weights)]
        sure |= over


def _systematic(
    candidates: Sequence[Candidate], chances: Sequence[float], start: float
) -> list[Place]:
    """Systematic sampling (Madow 1949): as many as the chances sum to, each with its own chance."""
    every = [Place(c.pair_id, chance) for c, chance in zip(candidates, chances, strict=True)]
    unsure = [place for place in every if place.pi < 1]
    reached = list(accumulate(place.pi for place in unsure))
    ticks = [start + n for n in range(round(reached[-1]))] if reached else []
    drawn = [unsure[min(bisect_right(reached, tick), len(unsure) - 1)] for tick in ticks]
    return [place for place in every if place.pi == 1] + drawn
