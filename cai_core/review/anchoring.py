"""How much more people agree with a judge whose label they see.

A verdict that was given with the judge's label in sight follows it (arXiv 2507.15821), so that it trains
and does not measure; the excess says how far it follows.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from cai_core.review.agreement import measuring
from cai_core.review.sample import IntArray
from cai_core.schema import Label
from cai_core.stats import Estimate, FloatArray, clustered_shares, t95


@dataclass(frozen=True)
class Anchoring:
    """Agreement with the judge of first blind and of sighted verdicts, and the second less the first.

    The two are of different pairs: people choose when to look. Pairs are the draws.
    """

    blind: Estimate
    sighted: Estimate
    excess: Estimate


def anchoring_of(judgements: Iterable[Label], verdicts: Iterable[Label]) -> Anchoring:
    """From labels in one orientation; verdicts without a side are left out."""
    judged = {label.pair.id: label.verdict for label in judgements}
    people = [label for label in verdicts if label.kind == "person" and label.review]
    blind = [_score(label, judged) for label in measuring(people)]
    sighted = [_score(label, judged) for label in people if label.review and not label.review.blind]
    names: dict[str, int] = {}
    for label in people:
        names.setdefault(label.pair.id, len(names))
    found = [
        (
            np.array([score for _, score in some if score is not None]),
            np.array([names[pair] for pair, score in some if score is not None], dtype=np.int64),
        )
        for some in (blind, sighted)
    ]
    return anchoring(found[0], found[1])


def anchoring(
    blind: tuple[FloatArray, IntArray], sighted: tuple[FloatArray, IntArray]
) -> Anchoring:
    """From scores of agreement in [0, 1] and the pair's number of each, blind and sighted."""
    shares = [clustered_shares(scores[:, None], pairs)[0] for scores, pairs in (blind, sighted)]
    return Anchoring(shares[0], shares[1], _excess(blind, sighted))


def _excess(blind: tuple[FloatArray, IntArray], sighted: tuple[FloatArray, IntArray]) -> Estimate:
    n, m = len(blind[0]), len(sighted[0])
    if min(n, m) < 2:
        return Estimate(math.nan, math.nan, math.nan, min(n, m))
    value = float(sighted[0].mean() - blind[0].mean())

    moves = [_moves(*blind, sign=-1.0), _moves(*sighted, sign=1.0)]
    pairs = np.concatenate([blind[1], sighted[1]])
    sums = np.bincount(pairs, np.concatenate(moves))
    groups = len(np.unique(pairs))
    variance = float(np.square(sums).sum()) * groups / (groups - 1)
    variance += sum(_little(scores) for scores in (blind[0], sighted[0]))
    half = t95(min(n, m) - 1) * math.sqrt(variance)
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half), m)


def _moves(scores: FloatArray, pairs: IntArray, *, sign: float) -> FloatArray:
    moves: FloatArray = sign * (scores - scores.mean()) / len(scores)
    return moves


def _little(scores: FloatArray) -> float:
    """What the variance of a share near 0 or 1 is short of: one right and one wrong are added to it
    (Agresti and Caffo 2000)."""
    n, p = len(scores), float(scores.mean())
    added = (p * n + 1) / (n + 2)
    return max(0.0, added * (1 - added) - p * (1 - p)) / n


def _score(label: Label, judged: Mapping[str, str | None]) -> tuple[str, float | None]:
    judgement = judged.get(label.pair.id)
    said = label.verdict
    if judgement not in ("a", "b", "tie") or said not in ("a", "b", "tie"):
        return label.pair.id, None
    score = 1.0 if said == judgement else 0.5 if "tie" in (said, judgement) else 0.0
    return label.pair.id, score
