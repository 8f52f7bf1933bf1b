"""How useful a review of each pair would be, from the judgements that stand on it: several are joined."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cai_core.stats import FloatArray
from cai_core.usefulness import nearest_level, usefulness

HEAD = "head:"  # annotators that learned from people


@dataclass(frozen=True)
class _Judgements:
    """One row a judgement, sorted by pair; `starts` has the first row of each pair."""

    pairs: NDArray[np.int64]
    starts: NDArray[np.int64]
    p: FloatArray
    inconsistent: NDArray[np.bool_]
    spread: FloatArray

    @classmethod
    def of(cls, rows: Sequence[tuple[Any, ...]]) -> "_Judgements":
        rows = sorted(rows, key=lambda row: int(row[0]))
        pairs = np.array([row[0] for row in rows], dtype=np.int64)
        return cls(
            pairs,
            np.flatnonzero(np.diff(pairs, prepend=-1)),
            np.array([0.5 if row[1] is None else row[1] for row in rows], dtype=np.float64),
            np.array([bool(row[2]) for row in rows]),
            _spreads([row[3] for row in rows]),
        )

    def mean(self) -> FloatArray:
        counts = np.diff(np.append(self.starts, len(self.pairs)))
        means: FloatArray = np.add.reduceat(self.p, self.starts) / counts
        return means

    def range(self) -> FloatArray:
        most = np.maximum.reduceat(self.p, self.starts)
        apart: FloatArray = most - np.minimum.reduceat(self.p, self.starts)
        return apart


def levels_of(rows: Sequence[tuple[Any, ...]]) -> dict[int, int]:
    """The level of each pair that was judged.

    Args:
        rows: (pair, p, inconsistent, votes as float32, annotator), one a standing judgement.
    """
    heads = {int(row[0]): row[1] for row in rows if row[4].startswith(HEAD)}
    judged = [row for row in rows if not row[4].startswith(HEAD)]
    if not judged:
        return {}
    said = _Judgements.of(judged)
    pairs = said.pairs[said.starts].tolist()
    weights = usefulness(
        said.mean(),
        inconsistent=np.logical_or.reduceat(said.inconsistent, said.starts),
        spread=np.maximum.reduceat(said.spread, said.starts),
        disagreement=said.range(),
        head=[np.nan if (p := heads.get(pair)) is None else p for pair in pairs],
    )
    return dict(zip(pairs, nearest_level(weights).tolist(), strict=True))


def _spreads(votes: Sequence[bytes | None]) -> FloatArray:
    """The standard deviation of each label's votes, 0 where there are none."""
    found = np.zeros(len(votes))
    lengths = np.array([len(blob or b"") for blob in votes])
    for length in np.unique(lengths[lengths > 0]):
        at = np.flatnonzero(lengths == length)
        block = np.frombuffer(b"".join(votes[i] or b"" for i in at.tolist()), "<f4")
        found[at] = block.reshape(len(at), -1).std(axis=1)
    return found
