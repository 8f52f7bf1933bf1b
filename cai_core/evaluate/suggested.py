"""The weights that people's reviews suggest, and whether they are any better than the present ones.

A logistic regression of people's first blind verdicts on the votes' log-odds,

    logit P(A is preferred) = sum of weight * log-odds,

without an intercept, so that a pair says the same whichever answer is called A. It is a ridge
regression towards the present weights: what is penalised is the part of the weights that is no
multiple of the present ones, so that few reviews change little, and none of it where the penalty is
large. How large it is, is chosen by cross-validation. No weight is below 0, for a constitution has no
negative ones; what would get one is set to 0 and the others are fitted without it.

Whether they are better is measured by nested cross-validation with a prompt's pairs in one fold: on
each fifth of the pairs stand weights whose penalty, too, was chosen on the other four, and the
present weights are counted on the same pairs. Pairs of the test split and verdicts on the locked half
are left out: numbers are reported there. Single weights have no interval: what ridge gives is biased towards the present ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cai_core.evaluate.reweigh import agreement_scores, log_odds, worth_of
from cai_core.schema import Row, VoteTable
from cai_core.stats import Estimate, FloatArray, clustered_means, clustered_shares, sigmoid

FOLDS = 5
# Of weights times log-odds whose root mean square is 1; the largest leaves the present weights.
PENALTIES = (1e6, 1000.0, 300.0, 100.0, 30.0, 10.0, 3.0)
_FLOOR = 1e-2  # penalty of the whole: keeps it finite where the present weights are always right
# Reviewed pairs. Simulated with 16 principles (tests/bench/bench_suggested.py): under fewer the interval
# of the gain misses the true one too often (12% of the time with 30, 9% with 60, where the present weights
# are right), and every tenth suggestion is a point worse or more.
LEAST = 100
LEAST_PROMPTS = 20  # of these pairs: enough for a fold to hold some
MOST = (
    3000  # pairs that are learned from, drawn by seed: more cost seconds and change hardly anything
)
_STEPS = 30


@dataclass(frozen=True, eq=False)
class Suggestion:
    """Weights for each principle, their sum as it is now, and how often both agree with people.

    `agreement` and `present` are over the same pairs, on each of which the suggested weights were
    fitted to other prompts; `gain` is the first less the second. `zero` are principles that add
    nothing to the others, `against` those of them whose side people take on fewer than half of the
    pairs, with an interval that says so.
    """

    weights: dict[str, float]
    agreement: Estimate
    present: Estimate
    gain: Estimate
    zero: tuple[str, ...]
    against: tuple[str, ...]
    penalty: float

    @property
    def better(self) -> bool:
        return self.gain.low > 0

    @property
    def sentence(self) -> str:
        """What may be said of it."""
        low, high = 100 * self.gain.low, 100 * self.gain.high
        by = f"{100 * self.gain.value:+.1f} points (95% interval {low:+.1f} to {high:+.1f})"
        if self.better:
            return f"They agree with the reviews more often than the present weights: {by}."
        if self.gain.high < 0:
            return f"They agree with the reviews less often than the present weights: {by}."
        return (
            f"They are no better than the present weights as far as these reviews can tell: {by},"
            " which includes 0."
        )

    def to_row(self) -> Row:
        shares = {"agreement": self.agreement, "present": self.present, "gain": self.gain}
        row: Row = {name: estimate.to_row() for name, estimate in shares.items()}
        row |= {"weights": self.weights, "zero": self.zero, "against": self.against}
        return row | {"penalty": self.penalty, "better": self.better, "sentence": self.sentence}


def learnable(table: VoteTable) -> VoteTable:
    """The pairs that the suggestion learns from: reviewed, judged, and not of the test split."""
    judged = table.voted.any(axis=1) & ~np.isnan(table.worth)
    return table.where(table.reviewed & judged & (table.splits != "test"))


def suggest(
    table: VoteTable, weights: FloatArray, *, tie_band: float = 0.0, seed: int = 0
) -> Suggestion | None:
    """Weights from the reviewed pairs; None where there are too few of them, or of their prompts.

    Args:
        weights: (k,) the present ones, of which one at least is above 0.
        seed: of how prompts are dealt into folds.
    """
    reviews = learnable(table)
    prompts = len(np.unique(reviews.prompts))
    if len(reviews) < LEAST or prompts < LEAST_PROMPTS or not weights.any():
        return None
    chance = np.random.default_rng(seed)
    if len(reviews) > MOST:
        reviews = reviews.where(chance.permutation(len(reviews)) < MOST)
    learned = np.full(len(reviews), np.nan)  # verdicts of weights that were fitted on other prompts
    for held in _folds(reviews.prompts, chance):
        _, fitted = _chosen(reviews.where(~held), weights, chance)
        learned[held] = _worth(reviews.where(held), fitted, tie_band)
    before = agreement_scores(_worth(reviews, weights, tie_band), reviews.people)
    after = agreement_scores(learned, reviews.people)
    penalty, fitted = _chosen(reviews, weights, chance)
    present, agreement = clustered_shares(np.c_[before, after], reviews.prompts)
    gain = clustered_means((after - before)[:, None], reviews.prompts)[0]
    zero = [at for at, w in enumerate(fitted) if w < 1e-6 * fitted.max() and weights[at] > 0]
    return Suggestion(
        dict(zip(table.keys, _scaled(fitted, weights).tolist(), strict=True)),
        agreement,
        present,
        gain,
        zero=tuple(table.keys[at] for at in zero),
        against=tuple(table.keys[at] for at in zero if _against(reviews, at, tie_band)),
        penalty=penalty,
    )


def _worth(table: VoteTable, weights: FloatArray, tie_band: float) -> FloatArray:
    return worth_of(log_odds(table, weights), tie_band)


def _scaled(fitted: FloatArray, weights: FloatArray) -> FloatArray:
    """Only their ratios matter: the sum of the weights stays as it is."""
    scaled: FloatArray = fitted * (weights.sum() / fitted.sum())
    return scaled


def _against(reviews: VoteTable, at: int, tie_band: float) -> bool:
    """Whether people take the other side than this principle more often than its own."""
    sides = worth_of(reviews.logits[:, [at]], tie_band)
    return clustered_shares(agreement_scores(sides, reviews.people), reviews.prompts)[0].high < 0.5


def _folds(prompts: NDArray[np.int64], chance: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Which rows are held out, fold by fold; a prompt's rows are always together."""
    names, rows = np.unique(prompts, return_inverse=True)
    fold = chance.permutation(len(names))[rows] % FOLDS
    for number in range(FOLDS):
        yield fold == number


def _chosen(
    reviews: VoteTable, weights: FloatArray, chance: np.random.Generator
) -> tuple[float, FloatArray]:
    """The penalty with the least log-loss on held-out prompts, and the weights that it gives."""
    x, y = _scaled_votes(reviews), reviews.people_worth
    loss = np.zeros(len(PENALTIES))
    for held in _folds(reviews.prompts, chance):
        for at, fitted in enumerate(_path(x[~held], y[~held], weights)):
            loss[at] += _loss(x[held] @ fitted, y[held])
    best = int(np.argmin(loss))
    fitted = list(_path(x, y, weights))[best]
    return PENALTIES[best], fitted if fitted.any() else weights


def _scaled_votes(reviews: VoteTable) -> FloatArray:
    """(n, k) log-odds with a root mean square of 1 over all, so that a penalty means the same."""
    votes = np.nan_to_num(reviews.logits)
    return votes / max(float(np.sqrt(np.square(votes).mean())), 1e-9)


def _loss(logits: FloatArray, y: FloatArray) -> float:
    return float((np.logaddexp(0, logits) - y * logits).sum())


def _path(x: FloatArray, y: FloatArray, weights: FloatArray) -> Iterator[FloatArray]:
    """The weights that each penalty gives, each fit begun at the one before."""
    w = np.zeros(len(weights))
    for penalty in PENALTIES:
        w = _fitted(x, y, _penalties(weights, penalty), begin=w)
        yield w


def _penalties(weights: FloatArray, penalty: float) -> FloatArray:
    """(k, k): on what is no multiple of the present weights, and next to nothing on them."""
    unit = weights / np.linalg.norm(weights)
    shared = np.outer(unit, unit)
    penalties: FloatArray = penalty * (np.eye(len(unit)) - shared) + _FLOOR * np.eye(len(unit))
    return penalties


def _fitted(
    x: FloatArray, y: FloatArray, penalties: FloatArray, *, begin: FloatArray
) -> FloatArray:
    """Newton's steps, each a least squares problem without negative weights."""
    from scipy.linalg import solve_triangular
    from scipy.optimize import nnls

    w = begin
    for _ in range(_STEPS):
        p = sigmoid(x @ w)
        spread = np.maximum(p * (1 - p), 1e-6)
        factor = np.linalg.cholesky((x.T * spread) @ x + penalties)
        aim = x.T @ (spread * (x @ w) + y - p)
        step, _ = nnls(factor.T, solve_triangular(factor, aim, lower=True))
        moved, w = np.abs(step - w).max(), step
        if moved < 1e-6 * max(1.0, float(np.abs(w).max())):
            break
    return np.asarray(w)
