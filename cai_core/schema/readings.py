"""What a judge and people said of many pairs, as columns: enough to measure, without a label of each."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cai_core.stats import FloatArray

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Words = NDArray[np.str_]
Times = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class JudgedPairs:
    """The standing labels of one annotator, a row a pair, in the order of pairs.

    Args:
        pairs: (n,) the pairs' numbers in the workspace, rising. labels: (n,) their events' numbers.
        p_a: (n,) P(response_a is better), nan where there is none.
        sides: (n,) the verdict as 1 (a), 0.5 (tie), 0 (b); nan where it failed.
        inconsistent: (n,) whether the two orders disagree.
    """

    pairs: Numbers
    labels: Numbers
    p_a: FloatArray
    sides: FloatArray
    inconsistent: Flags

    def __len__(self) -> int:
        return len(self.pairs)

    def where(self, rows: Flags | Numbers) -> Self:
        """The rows that are chosen."""
        return replace(self, **_rows(self, rows))


@dataclass(frozen=True, eq=False)
class Verdicts:
    """People's verdicts that nobody took back, in the order in which they were given.

    Args:
        pairs, labels: (n,) as in `JudgedPairs`. people: (n,) places in `names`.
        sides: (n,) 1, 0.5 or 0; nan for bad and skip, which `said` tells apart.
        first_blind: (n,) it measures: this person's first of the pair, without a judgement in sight.
        blind: (n,) no judgement was in sight. queues: (n,) how the pair came up. times: (n,) UTC.
    """

    pairs: Numbers
    labels: Numbers
    people: Numbers
    names: tuple[str, ...]
    said: Words
    sides: FloatArray
    first_blind: Flags
    blind: Flags
    queues: Words
    times: Times

    def __len__(self) -> int:
        return len(self.pairs)

    def where(self, rows: Flags | Numbers) -> Self:
        """The rows that are chosen."""
        return replace(self, **_rows(self, rows))


@dataclass(frozen=True, eq=False)
class Draws:
    """Pairs that the measuring queues brought up, in that order, each once.

    Args:
        pairs: (n,) their numbers. queues: (n,) "even" or "useful".
        pi: (n,) the chance of coming up, times the number that could have, over all pairs there were.
        there: (n,) how many pairs there were in all at the draw.
    """

    pairs: Numbers
    queues: Words
    pi: FloatArray
    there: Numbers

    def __len__(self) -> int:
        return len(self.pairs)

    def where(self, rows: Flags | Numbers) -> Self:
        """The rows that are chosen."""
        return replace(self, **_rows(self, rows))


def _rows(columns: object, rows: Flags | Numbers) -> dict[str, Any]:
    """Every array of these columns at the rows that are chosen."""
    return {name: a[rows] for name, a in vars(columns).items() if isinstance(a, np.ndarray)}
