"""What a reward model learned from the same people would love: scores of answers before any training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cai_core.review.head import Features, Head
from cai_core.review.logistic import Places
from cai_core.schema import Pair
from cai_core.stats import Estimate, FloatArray, t95
from cai_core.text import answer_differences

MOST = 10


@dataclass(frozen=True)
class Scored:
    """An answer with its score: higher is better, up to a constant of the head."""

    pair_id: str
    side: str  # "a" or "b"
    text: str
    score: float


@dataclass(frozen=True)
class Preview:
    """The best and the worst answers, and what the score follows besides.

    `length` is the change of an answer's log-odds per doubling of its length, `refusal` that of refusing,
    each with the other held still; their n counts pairs.
    """

    best: tuple[Scored, ...]
    worst: tuple[Scored, ...]
    length: Estimate
    refusal: Estimate


def preview(
    head: Head,
    pairs: Sequence[Pair],
    a: Features,
    b: Features,
    *,
    prompts: Places,
    most: int = MOST,
) -> Preview:
    """Score the answers of pairs.

    Args:
        a, b: (n, d) features of response_a and response_b. prompts: (n,) numbers of the prompts.
        most: answers shown at each end, each text once.
    """
    scores = np.concatenate([head.scores(a), head.scores(b)])
    differences = scores[: len(pairs)] - scores[len(pairs) :]
    length, refusal = follows(pairs, differences, prompts)
    order = np.argsort(-scores, kind="stable")
    return Preview(
        _first(pairs, scores, order, most),
        _first(pairs, scores, order[::-1], most),
        length,
        refusal,
    )


def follows(
    pairs: Sequence[Pair], differences: FloatArray, prompts: Places
) -> tuple[Estimate, Estimate]:
    """Least squares of score differences (n,) on those of length (log2) and of refusing, no intercept.

    Intervals by the sandwich with a prompt's pairs as one draw (CR1); nan where it cannot be told, as
    where no answer refuses.
    """
    rows = np.array([answer_differences(p.response_a, p.response_b) for p in pairs]).reshape(-1, 2)
    moment = rows.T @ rows
    n, groups = len(rows), len(np.unique(prompts))
    if groups < 3 or np.linalg.matrix_rank(moment) < 2:
        unknown = Estimate(np.nan, np.nan, np.nan, n)
        return unknown, unknown
    inverse = np.linalg.inv(moment)
    slopes = inverse @ rows.T @ differences
    scores = rows * (differences - rows @ slopes)[:, None]
    sums = np.zeros((int(prompts.max()) + 1, 2))
    np.add.at(sums, prompts, scores)
    errors = np.sqrt(np.diag(inverse @ (sums.T @ sums) @ inverse) * groups / (groups - 1))
    halves = t95(groups - 1) * errors
    length, refusal = (
        Estimate(float(s), float(s - half), float(s + half), n)
        for s, half in zip(slopes, halves, strict=True)
    )
    return length, refusal


def _first(
    pairs: Sequence[Pair], scores: FloatArray, order: Places, most: int
) -> tuple[Scored, ...]:
    """The answers that come first in this order, each text once."""
    found: dict[tuple[str, str], Scored] = {}
    for place in order.tolist():
        pair, side = pairs[place % len(pairs)], "a" if place < len(pairs) else "b"
        text = pair.response_a if side == "a" else pair.response_b
        key = (pair.prompt[-1].content, text)
        found.setdefault(key, Scored(pair.id, side, text, float(scores[place])))
        if len(found) == most:
            break
    return tuple(found.values())
