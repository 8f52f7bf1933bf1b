"""People's verdicts as something to learn from: one row a pair, with who taught it and how it weighs.

The first blind verdicts teach: one that was given with a judgement in sight follows it. A row's `label`
without a `review` is taken for one of them, and counted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

import numpy as np

from cai_core.schema import HUMAN_P, Label, Pair, Review, content_hash
from cai_core.schema.chats import chat_row
from cai_core.stats import FloatArray

UNNAMED = "someone unnamed"


@dataclass(frozen=True)
class Taught:
    """n pairs with what people said of them, in the pairs' orientation.

    `p_a` (n,) is the mean over people: 1, 0.5 or 0 each. `weights` (n,) are 1 on average within a queue:
    the inverse of the probability with which the pair came up. `names` counts verdicts by person,
    `assumed_blind` those of no known review, `left_out` the others by reason.
    """

    pairs: tuple[Pair, ...]
    p_a: FloatArray
    weights: FloatArray
    names: Mapping[str, int] = field(default_factory=dict)
    assumed_blind: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def verdicts(self) -> int:
        return sum(self.names.values())

    def only(self, places: Sequence[int]) -> "Taught":
        """These pairs alone; who taught stays as it is counted."""
        chosen = list(places)
        pairs = tuple(self.pairs[place] for place in chosen)
        return replace(self, pairs=pairs, p_a=self.p_a[chosen], weights=self.weights[chosen])

    @property
    def prompts(self) -> list[str]:
        """What tells the pairs' prompts apart: (n,)."""
        return [prompt_key(pair) for pair in self.pairs]

    @property
    def hash(self) -> str:
        """Of the pairs and what was said of them, whatever their order and orientation."""
        said = [
            (pair.identity, p if is_sorted(pair) else 1 - p, round(weight, 6))
            for pair, p, weight in zip(
                self.pairs, self.p_a.tolist(), self.weights.tolist(), strict=True
            )
        ]
        return content_hash([list(one) for one in sorted(said)])


def is_sorted(pair: Pair) -> bool:
    """Whether response_a is the first of the two in the order of texts."""
    return pair.response_a <= pair.response_b


def prompt_key(pair: Pair) -> str:
    return content_hash(chat_row(pair.prompt))


def taught(labels: Iterable[Label]) -> Taught:
    """What can be learned from these rows: those of persons, and the `label` of others.

    Pairs are one by their identity, in the orientation that came first.
    """
    pairs: dict[str, Pair] = {}
    said: dict[str, list[float]] = {}
    weights: dict[str, list[tuple[str, float]]] = {}
    names: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    assumed = 0
    for label in labels:
        verdict = label.verdict if label.kind == "person" else label.pair.label
        if label.kind == "rule" or verdict is None:
            continue
        reason = _left_out(label.review, verdict)
        if reason:
            left_out[reason] += 1
            continue
        key = label.pair.identity
        pair = pairs.setdefault(key, label.pair)
        p = HUMAN_P[verdict]
        same = pair.response_a == label.pair.response_a
        said.setdefault(key, []).append(p if same else 1 - p)
        weights.setdefault(key, []).append(_came_up(label.review))
        names[_who(label)] += 1
        assumed += label.review is None
    means = np.array([fmean(said[key]) for key in pairs], dtype=np.float64)
    even = _relative([weights[key] for key in pairs])
    return Taught(tuple(pairs.values()), means, even, dict(names), assumed, dict(left_out))


def _left_out(review: Review | None, verdict: str) -> str:
    """Why a verdict teaches nothing; "" where it does."""
    if review is not None and not review.blind:
        return "not blind"
    if review is not None and not review.first:
        return "not the first"
    return "" if verdict in HUMAN_P else verdict


def _who(label: Label) -> str:
    """The reviewer, else the annotator, unless that is the judge of the row."""
    judged = label.kind == "judge" and bool(label.method or label.verdict or label.error)
    reviewer = label.review.reviewer if label.review else ""
    return reviewer or ("" if judged else label.annotator) or UNNAMED


def _came_up(review: Review | None) -> tuple[str, float]:
    """Queue and inverse probability; 1 where it is not known."""
    if review is None or not review.pi:
        return "", 1.0
    return review.queue, 1 / review.pi


def _relative(rows: Sequence[Sequence[tuple[str, float]]]) -> FloatArray:
    """The mean weight of each pair, 1 on average within each queue."""
    by_queue: dict[str, list[float]] = {}
    for some in rows:
        for queue, weight in some:
            by_queue.setdefault(queue, []).append(weight)
    means = {queue: fmean(some) for queue, some in by_queue.items()}
    found = [fmean(weight / means[queue] for queue, weight in some) for some in rows]
    return np.array(found, dtype=np.float64)
