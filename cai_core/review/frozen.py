"""A frozen dataset as a population: the labels that its rows have, and which of them are people's own."""

from dataclasses import dataclass, replace

import numpy as np

from cai_core.review.sample import Population
from cai_core.review.sampled import Readings, Sample, measuring, sample
from cai_core.schema.readings import Flags, JudgedPairs


@dataclass(frozen=True)
class Kept:
    """Which judgements came into the dataset: as its filters say."""

    least_margin: float = 0.0
    ties: bool = False
    inconsistent: bool = True

    def of(self, judged: JudgedPairs) -> Flags:
        """(n,) whether a pair would be in the dataset by what the judge said of it."""
        passes: Flags = ~np.isnan(judged.sides) & (
            (judged.sides == 0.5) | (np.abs(judged.p_a - 0.5) >= self.least_margin)
        )
        if not self.ties:
            passes &= judged.sides != 0.5
        return passes if self.inconsistent else passes & ~judged.inconsistent


def frozen(rows: JudgedPairs, judged: JudgedPairs, readings: Readings, *, kept: Kept) -> Sample:
    """The labels of a dataset's rows, held against first blind verdicts.

    A row that a person labelled is right by construction. Where its pair was drawn to measure, the
    judge's label of it still says how right the judge's other rows are.

    Args:
        rows: the labels as they stand in the dataset. judged: the judge's own, on any pairs.
    """
    said = readings.verdicts
    spoken = np.unique(said.pairs[~np.isnan(said.sides)])
    peoples = np.isin(rows.p_a, (0.0, 0.5, 1.0)) & np.isin(rows.pairs, spoken)
    measured = measuring(rows.pairs, said).pairs
    drawn = readings.draws.pairs
    drawn = np.intersect1d(measured, drawn) if np.isin(measured, drawn).any() else measured
    would_be = judged.where(kept.of(judged))
    stands_for_others = peoples & np.isin(rows.pairs, drawn) & np.isin(rows.pairs, would_be.pairs)
    own = peoples & ~stands_for_others
    counted = _with_the_judges(rows, would_be, stands_for_others).where(~own)
    found = sample(counted, readings)
    reviewed = np.isin(rows.pairs, found.rows.pairs)
    repaired = bool(reviewed.any()) and bool(stands_for_others[reviewed].all())
    return replace(
        found,
        population=Population(
            found.population.confidence, found.population.predictors, known=int(own.sum())
        ),
        reviewed=replace(found.reviewed, repaired=repaired),
    )


def _with_the_judges(rows: JudgedPairs, judged: JudgedPairs, which: Flags) -> JudgedPairs:
    """The rows, with the judge's label where `which` says so."""
    at = np.searchsorted(judged.pairs, rows.pairs[which])
    changed = {name: getattr(rows, name).copy() for name in ("p_a", "sides", "inconsistent")}
    for name, values in changed.items():
        values[which] = getattr(judged, name)[at]
    return replace(rows, **changed)
