"""Whether the queue *most useful* finds what matters: wrong labels, and what a retrained head gains.

Pairs and features are real (hh, built-in model); the truth is a reward head's, fitted to people's
verdicts, and a known share of labels is turned, more of them near 50%. Reviews put the truth in the
place of a label. What of `usefulness` was chosen was chosen on other seeds than those reported here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cai_core.review.logistic import Places, Problem, folds_by, kernel_of
from cai_core.stats import Estimate, FloatArray, clustered_mean, sigmoid
from cai_core.usefulness import allocation, usefulness
from tests.bench.answer_features import Answers, hh_answers

SEEDS = range(100)  # what of `usefulness` was chosen was chosen on seeds from 100 to 139
POOL = 800
REVIEWS = 200
REFIT = 25  # reviews between two fits of the head that the queue goes by
WRONG = 0.2  # share of labels that are turned
SURE = 0.25  # a label far from 50% is turned so many times as often as one at 50%
TEMPER = 1.5  # standard deviation of the labels' log-odds
COST = 6e-4
FOLDS = 5
USEFUL = ("most useful", "in proportion to usefulness")
WAYS = ("even", "cleanlab", *USEFUL, "best order")


@dataclass(frozen=True)
class World:
    """All pairs: their kernel (n, n) and the log-odds (n,) that the truth gives them."""

    kernel: FloatArray
    truth: FloatArray
    prompts: Places


@dataclass(frozen=True)
class Pool:
    """One seed: places of the pool and of the held-out pairs, the labels and whether they are wrong."""

    places: Places
    out: Places
    p: FloatArray
    wrong: NDArray[np.bool_]


def world(answers: Answers) -> World:
    rows = answers.differences / np.sqrt(np.square(answers.differences).mean(axis=0))
    kernel = kernel_of(rows)
    n = len(answers.p_a)
    made = Problem.of(kernel, np.full(n, COST)).solve(answers.p_a)
    odds = kernel @ made.alpha
    return World(kernel, odds * (TEMPER / odds.std()), answers.prompts)


def pool(given: World, seed: int) -> Pool:
    """Random prompts up to POOL pairs, and labels of which WRONG are turned."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(int(given.prompts.max()) + 1)[given.prompts]
    ranked = np.argsort(order, kind="stable")
    inside = order <= order[ranked[POOL - 1]]
    places, out = np.flatnonzero(inside), np.flatnonzero(~inside)
    odds = given.truth[places]
    chance = SURE + (1 - SURE) * np.exp(-np.abs(odds) / TEMPER)
    wrong = rng.random(len(places)) < chance * (WRONG / chance.mean())
    return Pool(places, out, sigmoid(np.where(wrong, -odds, odds)), wrong)


@dataclass(frozen=True)
class Outcome:
    """One seed and way: wrong labels found, and the retrained head's agreement with the truth."""

    found: int
    agreement: float


@dataclass(frozen=True)
class Trial:
    """One seed, prepared: what every way of choosing is given alike."""

    given: World
    pool: Pool
    problem: Problem
    folds: Places
    rng: np.random.Generator

    @classmethod
    def of(cls, given: World, seed: int) -> "Trial":
        made = pool(given, seed)
        kernel = given.kernel[np.ix_(made.places, made.places)]
        problem = Problem.of(kernel, np.full(len(made.p), COST))
        folds = folds_by(given.prompts[made.places], FOLDS)
        return cls(given, made, problem, folds, np.random.default_rng(10_000 + seed))

    def labels(self, reviewed: Places) -> FloatArray:
        """The sides (n,) that the pool's labels take, 1 or 0, the true ones where they were reviewed."""
        sides = (self.pool.p > 0.5).astype(np.float64)
        sides[reviewed] = self.given.truth[self.pool.places[reviewed]] > 0
        return sides

    def head(self, reviewed: Places) -> FloatArray:
        """P(A better) (n,) of the pool's pairs by heads of its labels, cross-fitted by prompt."""
        return sigmoid(self.problem.solve(self.labels(reviewed), self.folds).left_out)

    def outcome(self, reviewed: Places) -> Outcome:
        """Train a head on the labels as they are after these reviews, and try it on held-out prompts."""
        alpha = self.problem.solve(self.labels(reviewed)).alpha
        odds = self.given.kernel[np.ix_(self.pool.out, self.pool.places)] @ alpha
        right = (odds > 0) == (self.given.truth[self.pool.out] > 0)
        return Outcome(int(self.pool.wrong[reviewed].sum()), float(np.mean(right)))


NOTHING = np.array([], dtype=np.int64)


def outcomes(given: World, seed: int) -> dict[str, Outcome]:
    trial = Trial.of(given, seed)
    reviewed = {
        "even": trial.rng.permutation(len(trial.pool.p))[:REVIEWS],
        "cleanlab": by_cleanlab(trial.pool.p, trial.head(NOTHING))[:REVIEWS],
        "most useful": most_useful(trial, allocation),
        "in proportion to usefulness": most_useful(trial, lambda useful: useful),
        "best order": np.argsort(~trial.pool.wrong, kind="stable")[:REVIEWS],
    }
    return {way: trial.outcome(places) for way, places in reviewed.items()}


def most_useful(trial: Trial, weigh: Callable[[FloatArray], FloatArray]) -> Places:
    """Reviews as the room draws them: a pair at a time, the head learned anew as verdicts come in."""
    done = NOTHING
    while len(done) < REVIEWS:
        weights = weigh(usefulness(trial.pool.p, head=trial.head(done)))
        weights[done] = 0
        done = np.append(done, drawn(weights, trial.rng)[:REFIT])
    return done


def drawn(weights: FloatArray, rng: np.random.Generator) -> Places:
    """All places in the order of draws without replacement, each in proportion to its weight.

    Exponential races (Efraimidis and Spirakis 2006).
    """
    with np.errstate(divide="ignore"):
        order: Places = np.argsort(rng.exponential(size=len(weights)) / weights)
    return order


def by_cleanlab(p: FloatArray, head: FloatArray) -> Places:
    """Its ranking by self-confidence: the least first, from cross-fitted probabilities."""
    from cleanlab.rank import get_label_quality_scores

    given = (p > 0.5).astype(int)
    both = np.column_stack([1 - head, head])
    scores = get_label_quality_scores(given, both, method="self_confidence")
    order: Places = np.argsort(scores, kind="stable")
    return order


def run() -> str:
    given = world(hh_answers())
    found = {}
    for seed in SEEDS:
        found[seed] = outcomes(given, seed)
        print(seed, found[seed], flush=True)
    even = over_seeds([one["even"].found for one in found.values()]).value
    rows = []
    for way in WAYS:
        errors = over_seeds([100 * one[way].found / REVIEWS for one in found.values()])
        ratio = errors.value / (100 * even / REVIEWS)
        agreed = over_seeds([one[way].agreement for one in found.values()])
        rows.append(f"| {way} | {shown(errors, 1)} | {ratio:.2f} | {shown(agreed, 4)} |")
    gains = [
        f"| {way} | {gain(found, way, 'even')} | {gain(found, way, 'cleanlab')} |" for way in USEFUL
    ]
    return "\n".join([*HEAD, *rows, "", *GAINS, *gains])


def over_seeds(values: Sequence[float]) -> Estimate:
    return clustered_mean(values, range(len(values)))


def gain(found: Mapping[int, Mapping[str, Outcome]], way: str, other: str) -> str:
    """Agreement of the head retrained after one way minus that after the other, in pairs of seeds."""
    values = [one[way].agreement - one[other].agreement for one in found.values()]
    return shown(over_seeds(values), 4, sign="+")


def shown(estimate: Estimate, digits: int, *, sign: str = "") -> str:
    ends = (estimate.value, estimate.low, estimate.high)
    value, low, high = (f"{x:{sign}.{digits}f}" for x in ends)
    return f"{value} ({low} to {high})"


HEAD = (
    "## What is most useful to review",
    "",
    f"Pools of {POOL} hh pairs with {WRONG:.0%} of the labels wrong (one at 50% is turned {1 / SURE:.0f}"
    " times as often as a sure one; the truth is a reward head's on the built-in model's frozen"
    f" features, fitted to people's verdicts), {REVIEWS} reviews that put the truth in the place of the"
    " label, and a head trained on the sides that the labels then take, tried on all pairs of other"
    f" prompts against the truth. {len(SEEDS)} seeds, means with 95% intervals over seeds; the weights"
    " were chosen on other seeds. *Most useful* draws as the queue does, by the root of `usefulness`,"
    " so that what it finds also measures; beside it draws in proportion to usefulness itself. The head"
    f" is fitted to the labels anew every {REFIT} reviews. cleanlab"
    " ranks once, by self-confidence, from the same cross-fitted head. 'Best order' knows the truth and"
    " brings the wrong labels first: the ceiling.",
    "",
    "| reviews | wrong labels found in 100 | ratio to even | agreement of the retrained head |",
    "|---|---|---|---|",
)
GAINS = (
    "| gain of the retrained head, paired by seed | over even draws | over cleanlab's ranking |",
    "|---|---|---|",
)
