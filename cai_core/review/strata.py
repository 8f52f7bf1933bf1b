"""Ranges of confidence with enough reviews in each."""

import numpy as np

from cai_core.review.levels import Levels
from cai_core.review.sample import IntArray

LEAST = 10  # reviews in a stratum; one with fewer is merged with its neighbour
MOST = 5
PER = 20  # reviews for each stratum, so that few reviews are not cut into many


def strata(table: Levels, level: IntArray) -> IntArray:
    """The stratum of each level (K,), from the least sure, 0, on.

    Args:
        level: (n,) of the reviewed pairs.
    """
    most = int(np.clip(len(level) // PER, 1, MOST))
    ranks = int(table.rank.max(initial=0)) + 1
    pairs = np.bincount(table.rank, table.counts, minlength=ranks)
    part = np.minimum(((np.cumsum(pairs) - pairs / 2) * most / pairs.sum()).astype(int), most - 1)
    reviews = np.bincount(part[table.rank[level]], minlength=most)
    return np.asarray(_merged(reviews)[part][table.rank], dtype=np.int64)


def _merged(reviews: IntArray) -> IntArray:
    """Neighbours together until each has LEAST reviews; what is left over joins the last."""
    group = np.zeros(len(reviews), dtype=np.int64)
    at, have = 0, 0
    for place, count in enumerate(reviews.tolist()):
        group[place] = at
        have += count
        if have >= LEAST:
            at, have = at + 1, 0
    if have and at:
        group[group == at] = at - 1
    return np.minimum(group, max(at - 1, 0))
