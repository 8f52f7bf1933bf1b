"""From what stands in the workspace to what a certificate is computed from: draws joined to verdicts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cai_core.review.sample import IntArray, Population, Reviewed
from cai_core.schema.readings import Draws, JudgedPairs, Verdicts
from cai_core.stats import NOTHING, Estimate, FloatArray, wilson
from cai_core.usefulness import chance_of_level

FEWEST = 10  # draws of a cohort that stands for itself


@dataclass(frozen=True, eq=False)
class Sample:
    """A population and the reviews of it.

    `judged` are its N labels, `people` (n,) the mean of the first blind verdicts on each reviewed pair
    as 1 (a), 0.5, 0 (b). `human_human` is how often two people agree on a pair. `unreached` counts
    pairs that came after the last draw.
    """

    population: Population
    reviewed: Reviewed
    judged: JudgedPairs
    people: FloatArray
    human_human: Estimate = NOTHING
    unreached: int = 0

    @property
    def rows(self) -> JudgedPairs:
        """The labels of the n reviewed pairs."""
        return self.judged.where(self.reviewed.index)


@dataclass(frozen=True, eq=False)
class Readings:
    """What people said and what came up: all that labels of one workspace are held against.

    `newest` is the number of the workspace's last pair. `whole`: the draws are from all pairs.
    """

    draws: Draws
    verdicts: Verdicts
    newest: int
    whole: bool = True


def sample(judged: JudgedPairs, readings: Readings, *, taught: FloatArray | None = None) -> Sample:
    """The labels of a judge, held against first blind verdicts on the pairs that draws brought up.

    Where no draw brought any of them up, all first blind verdicts count as if it had: even draws are
    then assumed, and the reviews say so.

    Args:
        taught: (n,) P(response_a is better) by the learned judge, cross-fitted where it learned from
            the pair; nan where it said nothing.
    """
    if taught is not None:
        taught = taught[~np.isnan(judged.sides)]
    judged = judged.where(~np.isnan(judged.sides))
    population = Population(_own_side(judged), predictors=_predictors(judged, taught))
    found = measuring(judged.pairs, readings.verdicts)
    drawn = readings.draws.where(np.isin(readings.draws.pairs, judged.pairs))
    kept = drawn.where(np.isin(drawn.pairs, found.pairs))
    assumed = not len(kept) and len(found.pairs) > 0
    numbers = found.pairs if assumed else kept.pairs
    at, index = np.searchsorted(found.pairs, numbers), np.searchsorted(judged.pairs, numbers)
    weight = np.ones(len(numbers)) if assumed else _weights(kept, judged.pairs, readings)
    reviewed = Reviewed(
        index=index.astype(np.int64),
        right=found.agreement(judged.sides[index], at),
        weight=weight,
        heaviest=_heaviest(weight, kept),
        ordered=not assumed,
        left_out=_left_out(judged.pairs, None if assumed else drawn, readings.verdicts),
        ties=int((found.counts[at, 1] > 0).sum()),
        assumes_random=assumed,
    )
    reached = int(kept.there.max(initial=0)) if readings.whole else 0
    unreached = int((judged.pairs > reached).sum()) if reached else 0
    return Sample(population, reviewed, judged, found.mean[at], found.between, unreached)


def _heaviest(weight: FloatArray, draws: Draws) -> float:
    """The largest weight that any draw could have had: that of the pair least likely to come up."""
    most = float(weight.max(initial=1.0))
    return max(most, 1 / chance_of_level(0)) if (draws.queues == "useful").any() else most


def _own_side(judged: JudgedPairs) -> FloatArray:
    """P(the label's own side is better), under one half where the verdict goes against its number."""
    own: FloatArray = np.where(judged.sides > 0.5, judged.p_a, 1 - judged.p_a)
    return own


def _predictors(judged: JudgedPairs, taught: FloatArray | None) -> FloatArray:
    columns = [judged.inconsistent.astype(np.float64)]
    if taught is not None:
        columns.append(np.where(judged.sides > 0.5, taught, 1 - taught))
    return np.column_stack(columns)


@dataclass(frozen=True, eq=False)
class Measuring:
    """First blind verdicts with a side, a row a pair, in the order of pairs.

    `counts` (n, 3) says how many said a, tie, b; `mean` (n,) is their mean as 1, 0.5, 0.
    """

    pairs: IntArray
    counts: FloatArray

    @property
    def mean(self) -> FloatArray:
        worth: FloatArray = self.counts @ np.array([1.0, 0.5, 0.0]) / self.counts.sum(axis=1)
        return worth

    @property
    def between(self) -> Estimate:
        """How often two people agree on a pair; one that several read counts once."""
        a, ties, b = self.counts.T
        n = a + ties + b
        couples = n * (n - 1) / 2
        agreed = (self.counts * (self.counts - 1) / 2).sum(axis=1) + 0.5 * ties * (a + b)
        twice = couples > 0
        return wilson(float((agreed[twice] / couples[twice]).sum()), int(twice.sum()))

    def agreement(self, sides: FloatArray, at: NDArray[np.intp]) -> FloatArray:
        """(n,) how much of what these rows say agrees with these sides; a tie against a side is half."""
        scores = 1 - np.abs(sides[:, None] - np.array([1.0, 0.5, 0.0]))
        counts = self.counts[at]
        agreed: FloatArray = (scores * counts).sum(axis=1) / counts.sum(axis=1)
        return agreed


def measuring(pairs: IntArray, verdicts: Verdicts) -> Measuring:
    """What measures the labels of these pairs."""
    rows = verdicts.first_blind & ~np.isnan(verdicts.sides) & np.isin(verdicts.pairs, pairs)
    said = verdicts.where(rows)
    known, places = np.unique(said.pairs, return_inverse=True)
    counts = np.zeros((len(known), 3))
    np.add.at(counts, (places, (2 - 2 * said.sides).astype(np.int64)), 1)
    return Measuring(known, counts)


def relative_weights(draws: Draws, *, whole: bool = True) -> FloatArray:
    """1 / (N pi), 1 throughout for even draws; of a part of all pairs only their ratios are known.

    They are then made 1 on average.
    """
    u: FloatArray = 1 / (draws.there * draws.pi)
    u[draws.queues == "even"] = 1.0
    useful = draws.queues != "even"
    if not whole and useful.any():
        u[useful] /= u[useful].mean()
    return u


def _weights(draws: Draws, pairs: IntArray, readings: Readings) -> FloatArray:
    """Of all pairs, of which the judged ones may be a part."""
    if not readings.whole:
        return relative_weights(draws, whole=False)
    even = relative_weights(draws, whole=len(pairs) == readings.newest)
    return even * _cohort_weights(draws, pairs, readings.newest)


def _cohort_weights(draws: Draws, pairs: IntArray, newest: int) -> FloatArray:
    """Pairs that came later had fewer draws to come up at: each cohort counts as much as it is large."""
    edges = _edges(draws.there, newest)
    if len(edges) < 2:
        return np.ones(len(draws))
    of_draw = np.searchsorted(edges, draws.pairs)
    share = np.bincount(np.searchsorted(edges, pairs), minlength=len(edges)) / len(pairs)
    drawn = np.bincount(of_draw, minlength=len(edges)) / len(draws)
    weights: FloatArray = share[of_draw] / drawn[of_draw]
    weights /= weights.mean()
    return weights


def _edges(there: IntArray, newest: int) -> list[int]:
    """The last pair of each cohort, where at least FEWEST draws came after it and the next one."""
    counts = Counter(there.tolist())
    edges: list[int] = []
    waiting = 0
    for edge in sorted(counts):
        waiting += counts[edge]
        if waiting >= FEWEST:
            edges.append(edge)
            waiting = 0
    return [*edges[:-1], newest] if edges else [newest]


def _left_out(pairs: IntArray, drawn: Draws | None, verdicts: Verdicts) -> Mapping[str, int]:
    """How many verdicts on these pairs do not measure, by reason."""
    said = verdicts.where(np.isin(verdicts.pairs, pairs))
    counts = {name: int((said.first_blind & (said.said == name)).sum()) for name in ("bad", "skip")}
    counts["sighted"] = int((~said.blind).sum())
    counts["not the first"] = int((said.blind & ~said.first_blind).sum())
    if drawn is not None:
        measures = said.first_blind & ~np.isnan(said.sides)
        first = np.unique(said.pairs[said.first_blind])
        counts["narrow queue"] = int((measures & ~np.isin(said.pairs, drawn.pairs)).sum())
        counts["taken back"] = int((~np.isin(drawn.pairs, first)).sum())
    return {name: n for name, n in counts.items() if n}
