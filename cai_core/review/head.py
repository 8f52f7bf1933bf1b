"""The learned judge: a logistic head on the difference of what a model makes of two answers.

Fitted to people's first blind verdicts in milliseconds, so after every review. Nobody who taught it is
independent of it: its labels on their pairs come from a fit that did not see the pair's prompt, and it
names them. Not here: how features are made (models.features), the solver (logistic), files (head_folder).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cai_core.errors import DataError
from cai_core.review.logistic import Places, Problem, folds_by, kernel_of
from cai_core.review.taught import Taught, is_sorted
from cai_core.schema import Pair, content_hash
from cai_core.stats import (
    NOTHING,
    Estimate,
    FloatArray,
    sigmoid,
    weighted_mean,
    weighted_share,
)

Features = NDArray[np.float32]

# As C of scikit-learn's LogisticRegression with both orientations of a pair as rows. What it gives on the
# hh pairs with the built-in model's features stands in docs/benchmarks.md, "learned".
C = 3e-4
FOLDS = 10
NEEDED = 50  # pairs with a verdict; with fewer it is hardly better than chance


@dataclass(frozen=True)
class Lessons:
    """n pairs to learn from.

    Args:
        differences: (n, d) features of response_a minus those of response_b.
        p_a: (n,) 1 where people found A better, 0.5 a tie, 0 B; their mean where several spoke.
        weights: (n,) 1 on average. prompts: (n,) numbers that tell prompts apart.
    """

    differences: Features
    p_a: FloatArray
    weights: FloatArray
    prompts: Places

    @classmethod
    def of(cls, verdicts: Taught, differences: Features) -> "Lessons":
        _, prompts = np.unique(np.array(verdicts.prompts, dtype=str), return_inverse=True)
        return cls(differences, verdicts.p_a, verdicts.weights, prompts.astype(np.int64))

    def __len__(self) -> int:
        return len(self.p_a)


@dataclass(frozen=True)
class Fit:
    """What was learned from n lessons.

    An answer's score is `features @ direction`; the difference of two is the log-odds that the first is
    better. `scale` (d,) is what the differences were divided by; the direction is for features as they
    are. `cross_fitted` (n,) is P(A better) by fits that saw no verdict on the pair's prompt, and
    `agreement` how often those agree with the people.
    """

    direction: FloatArray
    scale: FloatArray
    cross_fitted: FloatArray
    agreement: Estimate
    c: float = C


def fit(lessons: Lessons, *, c: float = C) -> Fit:
    """Fit the head; a refit after one more review costs the same few milliseconds.

    Raises:
        DataError: fewer than NEEDED pairs, or a feature that is no number.
    """
    if len(lessons) < NEEDED:
        raise DataError(
            f"a learned judge needs blind verdicts on {NEEDED} pairs and there are {len(lessons)};"
            f" review {NEEDED - len(lessons)} more"
        )
    if not np.isfinite(lessons.differences).all():
        raise DataError("some features are no numbers; leave those pairs out")
    scale = _scale(lessons.differences)
    rows = lessons.differences / scale
    alpha, odds = _solved(lessons, kernel_of(rows), c)
    return Fit(
        direction=np.asarray(rows.T @ alpha.astype(np.float32), dtype=np.float64) / scale,
        scale=scale.astype(np.float64),
        cross_fitted=sigmoid(odds),
        agreement=agreement_of(sigmoid(odds), lessons),
        c=c,
    )


def fit_with_votes(lessons: Lessons, votes: FloatArray, *, c: float = C) -> FloatArray:
    """P(A better) (n,), cross-fitted, where a judge's votes are learned from as well.

    Args:
        votes: (n, k) log-odds for A by principle, nan where it had no vote. All votes together weigh as
            much as all features.
    """
    known = np.nan_to_num(votes, nan=0.0).astype(np.float32)
    features = kernel_of(lessons.differences / _scale(lessons.differences))
    share = lessons.differences.shape[1] / known.shape[1]
    _, odds = _solved(lessons, features + share * kernel_of(known / _scale(known)), c)
    return sigmoid(odds)


def agreement_of(p_a: FloatArray, lessons: Lessons) -> Estimate:
    """How often verdicts with these probabilities (n,) agree with the people; a tie is half.

    Weighed back to all pairs, a prompt's pairs as one draw; nan does not count.
    """
    there = ~np.isnan(p_a)
    right = _right(p_a, lessons.p_a)
    return weighted_share(right[there], lessons.weights[there], lessons.prompts[there])


@dataclass(frozen=True)
class Beside:
    """The learned judge and another judge on the same n pairs: shares of agreement with the people.

    `gain` is learned minus other, in pairs. `combined` learned from the other's votes too, and
    `combined_gain` is that minus learned; without votes both are undefined.
    """

    learned: Estimate
    other: Estimate
    gain: Estimate
    combined: Estimate = NOTHING
    combined_gain: Estimate = NOTHING


def beside(
    lessons: Lessons, learned: Fit, judge: FloatArray, *, votes: FloatArray | None = None
) -> Beside:
    """Compare on the pairs that the other judge judged.

    Args:
        judge: (n,) P(A better) by the other judge, nan where it gave no verdict.
        votes: (n, k) its principles' votes in log-odds, where it has several.
    """
    there = ~np.isnan(judge)
    ours = np.where(there, learned.cross_fitted, np.nan)
    learning = agreement_of(ours, lessons)
    found = Beside(learning, agreement_of(judge, lessons), _gain(ours, judge, lessons))
    if votes is None or not votes.shape[1]:
        return found
    both = np.where(there, fit_with_votes(lessons, votes), np.nan)
    return replace(
        found,
        combined=agreement_of(both, lessons),
        combined_gain=_gain(both, ours, lessons),
    )


@dataclass(frozen=True)
class Head:
    """A fit with everything that a label made by it must be able to say.

    `table` has the cross-fitted P(the first answer in the order of texts is better) of each pair it
    learned from, by the pair's identity. `taught_by` counts verdicts by person.
    """

    fit: Fit
    model: str
    fingerprint: str
    version: int
    verdicts: str
    table: Mapping[str, float] = field(default_factory=dict)
    taught_by: Mapping[str, int] = field(default_factory=dict)
    created: str = ""

    @classmethod
    def of(cls, fit: Fit, verdicts: Taught, *, model: "Maker", created: str = "") -> "Head":
        """The head that these verdicts gave."""
        table = {
            pair.identity: p if is_sorted(pair) else 1 - p
            for pair, p in zip(verdicts.pairs, fit.cross_fitted.tolist(), strict=True)
        }
        made = (model.id, model.fingerprint, model.version, verdicts.hash)
        return cls(fit, *made, table, dict(verdicts.names), created)

    @cached_property
    def id(self) -> str:
        """Known by what it was made from."""
        made = [self.fingerprint, self.version, self.fit.c, self.verdicts]
        return content_hash(made, digits=12)

    @property
    def annotator(self) -> str:
        return f"head:{self.id}"

    @property
    def pairs(self) -> int:
        return len(self.table)

    @property
    def taught(self) -> str:
        """Who is not independent of it."""
        return told(self.taught_by)

    def scores(self, features: Features) -> FloatArray:
        """The reward of each answer (n,) of its features (n, d), up to a constant of the head.

        Higher is better; the difference of two answers to one prompt is the log-odds of the first.
        """
        return np.asarray(features @ self.fit.direction.astype(np.float32), dtype=np.float64)

    def p_a(
        self, pairs: Sequence[Pair], differences: Features
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """P(A better) of each pair (n,), and whether it is cross-fitted: the pair taught the head."""
        made = sigmoid(self.scores(differences))
        kept = [self.table.get(pair.identity) for pair in pairs]
        for place, (pair, p) in enumerate(zip(pairs, kept, strict=True)):
            if p is not None:
                made[place] = p if is_sorted(pair) else 1 - p
        return made, np.array([p is not None for p in kept], dtype=bool)


@dataclass(frozen=True)
class Maker:
    """Whose features a head reads: the model's id, the hash of its weights, the features' version."""

    id: str
    fingerprint: str
    version: int


def told(names: Mapping[str, int]) -> str:
    """Who taught it, as a part of a sentence; the busiest three by name.

    >>> told({"Ada": 2, "Ben": 30, "Cy": 1, "Di": 4})
    'taught by 37 verdicts of Ben, Di, Ada and 1 other'
    """
    busiest = sorted(names, key=lambda name: (-names[name], name))
    shown, rest = busiest[:3], len(busiest[3:])
    if rest:
        shown.append(f"{rest} other{'s' if rest > 1 else ''}")
    who = " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
    return f"taught by {sum(names.values())} verdicts of {who}"


def _scale(rows: Features) -> Features:
    """Root mean square of each column, 1 where it is 0: (d,) of (n, d)."""
    size = np.sqrt(np.square(rows, dtype=np.float64).mean(axis=0))
    scale: Features = np.where(size > 0, size, 1.0).astype(np.float32)
    return scale


def _solved(lessons: Lessons, kernel: FloatArray, c: float) -> tuple[FloatArray, FloatArray]:
    """Alpha, and cross-fitted log-odds: (n,) each."""
    cost = 2 * c * np.maximum(lessons.weights, 1e-3)
    folds = folds_by(lessons.prompts, FOLDS)
    found = Problem.of(kernel, cost).solve(lessons.p_a, folds)
    return found.alpha, found.left_out


def _right(p_a: FloatArray, people: FloatArray) -> FloatArray:
    return np.where(p_a > 0.5, people, np.where(p_a < 0.5, 1 - people, 0.5))


def _gain(one: FloatArray, other: FloatArray, lessons: Lessons) -> Estimate:
    there = ~np.isnan(one) & ~np.isnan(other)
    gained = _right(one, lessons.p_a) - _right(other, lessons.p_a)
    return weighted_mean(gained[there], lessons.weights[there], lessons.prompts[there])
