"""How often two annotators say the same. Only first blind verdicts of people measure a judge.

A verdict that was given with the judge's label in sight follows it (arXiv 2507.15821), and a second
one follows the first.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from cai_core.errors import DataError
from cai_core.schema import Label
from cai_core.stats import Estimate, wilson

_SAID = ("a", "b", "tie")


@dataclass(frozen=True)
class Agreement:
    """`estimate` is the share of agreement with Wilson's interval, its n counts pairs.

    A tie against a side is half an agreement. `kappa` corrects for chance, nan where undefined;
    `left_out` counts first blind verdicts without a side (bad, skip) or without a judgement.
    """

    estimate: Estimate
    kappa: float
    left_out: int = 0


def agreement(judgements: Iterable[Label], verdicts: Iterable[Label]) -> Agreement:
    """How often a judge agrees with people's first blind verdicts.

    Args:
        judgements: one a pair, in the orientation of the verdicts. A pair that several people read
            counts once, by the mean over them.
    """
    judged = {label.pair.id: label for label in judgements if label.verdict in _SAID}
    ours: list[tuple[str, str, str]] = []
    left_out = 0
    for label in measuring(verdicts):
        judgement = judged.get(label.pair.id)
        if judgement is None or label.verdict not in _SAID:
            left_out += 1
        else:
            ours.append((label.pair.id, str(label.verdict), str(judgement.verdict)))
    return _agreement(ours, left_out)


def by_queue(judgements: Iterable[Label], verdicts: Iterable[Label]) -> dict[str, Agreement]:
    """Agreement for each queue: one of hard pairs says nothing of the others."""
    judged = list(judgements)
    queues: dict[str, list[Label]] = {}
    for label in measuring(verdicts):
        queues.setdefault(label.review.queue if label.review else "", []).append(label)
    return {name: agreement(judged, labels) for name, labels in queues.items()}


def between_people(verdicts: Iterable[Label]) -> Agreement:
    """How often two people agree, over all pairs that two read blind."""
    readers: dict[str, list[Label]] = {}
    left_out = 0
    for label in measuring(verdicts):
        if label.verdict in _SAID:
            readers.setdefault(label.pair.id, []).append(label)
        else:
            left_out += 1
    ours = [
        (pair, str(one.verdict), str(other.verdict))
        for pair, labels in readers.items()
        for one, other in combinations(sorted(labels, key=lambda label: label.annotator), 2)
    ]
    return _agreement(ours, left_out)


def measuring(verdicts: Iterable[Label]) -> list[Label]:
    """The first blind verdict of each person on each pair."""
    return [
        label
        for label in verdicts
        if label.kind == "person" and label.review and label.review.blind and label.review.first
    ]


def share(said: Iterable[tuple[str | None, str | None]]) -> Estimate:
    """The share of agreement over pairs of one reader: (their verdict, the judge's), a tie half.

    >>> share([("a", "a"), ("tie", "a"), ("bad", "a"), ("b", None)]).n
    2
    """
    ours = [(one, other) for one, other in said if one in _SAID and other in _SAID]
    return wilson(sum(map(_score, *zip(*ours, strict=True))) if ours else 0.0, len(ours))


def _score(one: str | None, other: str | None) -> float:
    return 1.0 if one == other else 0.5 if "tie" in (one, other) else 0.0


def _agreement(said: Sequence[tuple[str, str, str]], left_out: int) -> Agreement:
    """From (pair, one verdict, other verdict)."""
    by_pair: dict[str, list[float]] = {}
    for pair, one, other in said:
        by_pair.setdefault(pair, []).append(_score(one, other))
    means = [sum(scores) / len(scores) for scores in by_pair.values()]
    kappa = cohen_kappa([s[1] for s in said], [s[2] for s in said]) if said else math.nan
    return Agreement(wilson(sum(means), len(means)), kappa, left_out)


def cohen_kappa(a: Sequence[str], b: Sequence[str]) -> float:
    """Agreement of two annotators on the same pairs, corrected for chance.

    Args:
        a, b: verdicts "a", "b" or "tie"; same length n >= 1, same order of pairs.
    Returns:
        Kappa in [-1, 1], higher is better; nan when both give one same verdict throughout.
    Raises:
        DataError: lengths differ or are zero.

    >>> cohen_kappa(["a", "b", "a", "b"], ["a", "b", "b", "b"])
    0.5
    """
    if not a or len(a) != len(b):
        raise DataError(f"two equally long lists of verdicts are needed, not {len(a)} and {len(b)}")
    if len({*a, *b}) == 1:
        return math.nan
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score(list(a), list(b)))
