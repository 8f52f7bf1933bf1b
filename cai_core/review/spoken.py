"""What people said of judged pairs, verdict by verdict: by queue, with the judgement in sight, and when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cai_core.review.anchoring import Anchoring, anchoring
from cai_core.review.sample import IntArray
from cai_core.schema.readings import JudgedPairs, Verdicts
from cai_core.stats import Estimate, FloatArray, clustered_shares


@dataclass(frozen=True, eq=False)
class FirstSaid:
    """The first verdict that measures on each of n pairs.

    Args:
        when: (n,) in seconds since 1970. people: (n,) by whom, places in `Verdicts.names`.
        alone: (n,) whether it was given by itself: verdicts with one time came out of a file together.
    """

    when: FloatArray
    people: IntArray
    alone: NDArray[np.bool_]


def scores(judged: JudgedPairs, verdicts: Verdicts) -> FloatArray:
    """(n,) 1 where a verdict agrees with the label of its pair, a tie against a side 0.5; nan without both."""
    there = np.isin(verdicts.pairs, judged.pairs)
    found = np.full(len(verdicts), np.nan)
    at = np.searchsorted(judged.pairs, verdicts.pairs[there])
    found[there] = 1 - np.abs(judged.sides[at] - verdicts.sides[there])
    return found


def by_queue(judged: JudgedPairs, verdicts: Verdicts) -> dict[str, Estimate]:
    """How often first blind verdicts agree with the labels, by how the pair came up; most verdicts first."""
    score = scores(judged, verdicts)
    counts = verdicts.first_blind & ~np.isnan(score)
    queues, n = np.unique(verdicts.queues[counts], return_counts=True)
    found = {}
    for queue in queues[np.argsort(-n, kind="stable")].tolist():
        mine = counts & (verdicts.queues == queue)
        found[queue] = clustered_shares(score[mine][:, None], verdicts.pairs[mine])[0]
    return found


def anchored(judged: JudgedPairs, verdicts: Verdicts) -> Anchoring:
    """How much more often verdicts agree with the label that was in sight."""
    score = scores(judged, verdicts)
    blind = verdicts.first_blind & ~np.isnan(score)
    sighted = ~verdicts.blind & ~np.isnan(score)
    return anchoring(
        (score[blind], verdicts.pairs[blind]), (score[sighted], verdicts.pairs[sighted])
    )


def first_said(pairs: IntArray, verdicts: Verdicts) -> FirstSaid:
    """The first verdict that measures on each of these pairs (n,); every pair must have one."""
    counts = np.flatnonzero(verdicts.first_blind & ~np.isnan(verdicts.sides))
    known, first = np.unique(verdicts.pairs[counts], return_index=True)
    at = counts[first[np.searchsorted(known, pairs)]]
    # Beside all verdicts, since a file's others may be on other pairs, or measure nothing.
    _, place, many = np.unique(verdicts.times, return_inverse=True, return_counts=True)
    return FirstSaid(seconds(verdicts)[at], verdicts.people[at], many[place[at]] == 1)


def seconds(verdicts: Verdicts) -> FloatArray:
    """(n,) since 1970, UTC."""
    found: FloatArray = verdicts.times.astype("datetime64[us]").astype(np.int64) / 1e6
    return found
