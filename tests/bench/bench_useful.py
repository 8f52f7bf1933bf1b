"""Whether the queue *most useful* finds what matters: wrong labels, and what a retrained head gains.

Pairs and features are real (hh, built-in model); the truth is a reward head's, fitted to people's
verdicts, and a known share of labels is turned, more of them near 50%. Reviews put the truth in the
place of a label. What of `usefulness` was chosen was chosen on other seeds than those reported here.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cai_core.review.logistic import Places, Problem, folds_by, kernel_of
from cai_core.review.usefulness import usefulness
from cai_core.stats import Estimate, FloatArray, clustered_mean, sigmoid
from tests.bench.answer_features import Answers, hh_answers

SEEDS = range(100)
CHOSEN_ON = range(100, 150)  # the seeds that FLOOR, FULL and POWER were chosen on
POOL = 800
REVIEWS = 200
REFIT = 25  # reviews between two fits of the head that the queue goes by
WRONG = 0.2  # share of labels that are turned
SURE = 0.25  # a label far from 50% is turned this much less often than one at 50%
TEMPER = 1.5  # standard deviation of the labels' log-odds
COST = 6e-4
FOLDS = 5
WAYS = ("even", "cleanlab", "most useful", "best order")


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
        "most useful": most_useful(trial),
        "best order": np.argsort(~trial.pool.wrong, kind="stable")[:REVIEWS],
    }
    return {way: trial.outcome(places) for way, places in reviewed.items()}


def most_useful(trial: Trial) -> Places:
    """Reviews as the room draws them: a pair at a time, the head learned anew as verdicts come in."""
    done = NOTHING
    while len(done) < REVIEWS:
        weights = usefulness(trial.pool.p, head=trial.head(done))
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


@lru_cache(maxsize=1)
def prepared() -> World:
    return world(hh_answers())


def run() -> str:
    given = prepared()
    found = {seed: outcomes(given, seed) for seed in SEEDS}
    per_100 = {
        way: clustered_mean([100 * found[s][way].found / REVIEWS for s in SEEDS], list(SEEDS))
        for way in WAYS
    }
    gains = {way: gain(found, way) for way in WAYS if way != "most useful"}
    agreed = {
        way: clustered_mean([found[s][way].agreement for s in SEEDS], list(SEEDS)) for way in WAYS
    }
    base = per_100["even"].value
    rows = [
        f"| {way} | {shown(per_100[way], 1)} | {per_100[way].value / base:.2f} | {shown(agreed[way], 4)} |"
        for way in WAYS
    ]
    return "\n".join([*_head(), *rows, "", *_gains(gains)])


def gain(found: dict[int, dict[str, Outcome]], way: str) -> Estimate:
    """Agreement of the head retrained after *most useful* minus that after another way, by seed."""
    gained = [one["most useful"].agreement - one[way].agreement for one in found.values()]
    return clustered_mean(gained, list(found))


def shown(estimate: Estimate, digits: int) -> str:
    value, low, high = (f"{x:.{digits}f}" for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def _head() -> list[str]:
    return [
        "## What is most useful to review",
        "",
        f"Pools of {POOL} hh pairs, {WRONG:.0%} of whose labels are wrong (a label at 50% is turned"
        f" {1 / SURE:.0f} times as often as a sure one; their truth is a reward head's on the built-in"
        f" model's frozen features), {REVIEWS} reviews that put the truth in the place of the label, and"
        " a head trained on the pool's labels then, tried on the pairs of other prompts against the"
        f" truth. {len(SEEDS)} seeds, means with 95% intervals over seeds; the weights were chosen on"
        f" other seeds. *Most useful* draws by `usefulness`, its head fitted anew every {REFIT} reviews;"
        " 'by the root' draws by the root of it, which measures better (allocation). cleanlab ranks"
        " once by self-confidence, from the same cross-fitted head; 'best order' knows the truth and"
        " brings the wrong labels first.",
        "",
        "| reviews | wrong labels in 100 | ratio to even | agreement of the retrained head |",
        "|---|---|---|---|",
    ]


def _gains(gains: dict[str, Estimate]) -> list[str]:
    return [
        "| gain of the retrained head, in pairs | over even draws | over cleanlab's ranking |",
        "|---|---|---|",
        *gains,
    ]
