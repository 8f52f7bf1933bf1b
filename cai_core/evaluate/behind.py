"""The pairs behind a number: which ones a principle decides, where it goes against people or another."""

import numpy as np
from numpy.typing import NDArray

from cai_core.evaluate.reweigh import Reweighed, agreement_scores, worth_of
from cai_core.schema import VoteTable
from cai_core.stats import FloatArray

Places = NDArray[np.int64]  # rows of the table, the clearest first


def decided(table: VoteTable, without: Reweighed) -> Places:
    """Pairs whose verdict turns without the principle, those that it moves most first."""
    moved = np.nan_to_num(np.abs(table.p - without.p_a), nan=1.0)
    return _clearest(without.flipped, moved)


def against_people(table: VoteTable, column: int, *, tie_band: float) -> Places:
    """Pairs on which people take the other side, those of which the principle is surest first."""
    sides = worth_of(table.logits[:, column], tie_band)
    scores = np.nan_to_num(agreement_scores(sides, table.people), nan=1.0)
    return _clearest(scores < 0.5, np.abs(table.logits[:, column]))


def opposed(table: VoteTable, one: int, other: int, *, tie_band: float) -> Places:
    """Pairs on which two principles take opposite sides, the furthest apart first."""
    a, b = table.logits[:, one], table.logits[:, other]
    sides = worth_of(a, tie_band), worth_of(b, tie_band)
    return _clearest(np.abs(sides[0] - sides[1]) == 1, np.abs(a - b))


def _clearest(chosen: NDArray[np.bool_], by: FloatArray) -> Places:
    places = np.flatnonzero(chosen)
    return places[np.argsort(-by[places], kind="stable")]
