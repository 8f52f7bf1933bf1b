"""Mean signed shifts by principle and tag, and which way the flips went.

Every mean is clustered by prompt. The table is one family: q-values by Benjamini and Hochberg (1995),
and intervals at the level that keeps the false coverage rate at 5% among those with q under 5%
(Benjamini and Yekutieli 2005, section 2).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cai_core.impact.directions import DIRECTIONS, sign
from cai_core.impact.outcome import Judged
from cai_core.stats import ClusteredMean, Estimate, clustered, clustered_share, false_discoveries

RATE = 0.05
ALL = "all"


@dataclass(frozen=True)
class Shift:
    """The mean shift of `what` (all, a principle, or a tag) in a direction.

    `estimate` is in log-odds, its n counts prompts; `q` is nan where there are too few.
    """

    kind: str  # "all", "principle", "tag"
    what: str
    direction: str
    estimate: Estimate
    q: float


def shift_table(pairs: Sequence[Judged], tags: Mapping[str, Sequence[str]]) -> list[Shift]:
    """All shifts there are, corrected for their number.

    Args:
        tags: the tags of each touched principle, by its key.
    """
    cells = []
    for kind, what, values in _values(pairs, tags):
        for direction in DIRECTIONS:
            mean = _mean(pairs, values, direction)
            if mean.clusters:
                cells.append((kind, what, direction, mean))
    q = false_discoveries([mean.p for *_, mean in cells])
    level = 1 - RATE * max(1, int((q <= RATE).sum())) / max(1, len(cells))
    return [
        Shift(kind, what, direction, mean.interval(level), float(value))
        for (kind, what, direction, mean), value in zip(cells, q, strict=True)
    ]


def _values(
    pairs: Sequence[Judged], tags: Mapping[str, Sequence[str]]
) -> Iterable[tuple[str, str, list[float]]]:
    yield ALL, "", [one.shift for one in pairs]
    by_key = {key: [one.vote_shift(key) for one in pairs] for key in tags}
    for key, values in by_key.items():
        yield "principle", key, values
    for tag in dict.fromkeys(tag for some in tags.values() for tag in some):
        rows = np.array([by_key[key] for key, some in tags.items() if tag in some])
        with np.errstate(invalid="ignore"):
            yield "tag", tag, (np.nansum(rows, axis=0) / (~np.isnan(rows)).sum(axis=0)).tolist()


def _mean(pairs: Sequence[Judged], values: Sequence[float], direction: str) -> ClusteredMean:
    signed = [
        (sign(one.pair, direction) * v, one.prompt_id)
        for one, v in zip(pairs, values, strict=True)
        if sign(one.pair, direction) and v == v
    ]
    return clustered([value for value, _ in signed], [prompt for _, prompt in signed])


@dataclass(frozen=True)
class FlipCount:
    """Flips towards a direction and away from it, of `pairs` that have a verdict under both."""

    towards: int
    away: int
    pairs: int


def flip_counts(pairs: Sequence[Judged]) -> dict[str, FlipCount]:
    """By direction. A flip to or from a tie goes half the way, and counts by its sign alone."""
    told = [one for one in pairs if one.shift == one.shift]
    found = {}
    for direction in DIRECTIONS:
        there = [one for one in told if sign(one.pair, direction)]
        ways = [_way(one, direction) for one in there if one.flip]
        found[direction] = FlipCount(ways.count(1), ways.count(-1), len(there))
    return found


def _way(one: Judged, direction: str) -> int:
    worth = {"a": 1, "tie": 0, "b": -1}
    old, new = one.verdicts
    moved = worth[str(new)] - worth[str(old)]
    return sign(one.pair, direction) * (1 if moved > 0 else -1)


def flip_share(pairs: Sequence[Judged]) -> Estimate:
    """The share of verdicts that flip, prompt by prompt: several pairs of one are averaged first."""
    told = [one for one in pairs if one.shift == one.shift]
    return clustered_share([float(one.flip) for one in told], [one.prompt_id for one in told])
