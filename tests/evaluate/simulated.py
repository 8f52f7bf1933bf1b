"""Tables of votes that are drawn from a known model, and how often intervals hold what is true."""

from collections.abc import Callable

import numpy as np

from cai_core.schema import VoteTable
from cai_core.stats import Estimate, sigmoid


def table(votes, likes=None, *, prompts=None, differences=None, weights=None, splits=None):
    """Judgements from votes (n, k) as tally makes them; people prefer A where `likes` is above 0."""
    votes = np.asarray(votes, dtype=float)
    n, k = votes.shape
    weights = np.ones(k) if weights is None else np.asarray(weights, dtype=float)
    total = (~np.isnan(votes)) @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        logits = np.where(total > 0, np.nan_to_num(votes) @ weights / total, np.nan)
    people = np.zeros((n, 3))
    if likes is not None:
        known = ~np.isnan(likes)
        people[known, np.where(np.asarray(likes)[known] > 0, 0, 2)] = 1
    return VoteTable(
        pair_ids=tuple(f"pair {i}" for i in range(n)),
        keys=tuple(f"k{i}" for i in range(k)),
        logits=votes,
        not_applicable=np.zeros((n, k), dtype=bool),
        p=np.where(np.isnan(logits), np.nan, sigmoid(logits)),
        worth=np.where(np.isnan(logits), np.nan, (logits > 0).astype(float)),
        people=people,
        differences=np.full((n, 2), np.nan) if differences is None else differences,
        prompts=np.arange(n) if prompts is None else np.asarray(prompts),
        splits=np.array(["train"] * n if splits is None else splits),
        kept_out=np.zeros(n, dtype=bool),
    )


def held(
    draw: Callable[[np.random.Generator], Estimate], truth: float, *, times: int, seed: int = 0
) -> tuple[float, float]:
    """How often the interval holds the truth, and its mean width over that of an ideal one.

    The ideal one is 2 * 1.96 standard deviations of the estimates themselves.
    """
    chance = np.random.default_rng(seed)
    found = [draw(chance) for _ in range(times)]
    covered = np.mean([one.low <= truth <= one.high for one in found])
    ideal = 2 * 1.96 * np.std([one.value for one in found])
    return float(covered), float(np.mean([one.high - one.low for one in found]) / ideal)
