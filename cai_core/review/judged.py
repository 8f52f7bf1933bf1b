"""What a judge said of the pairs that people taught, aligned with them: to stand beside a learned one."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cai_core.review.head_label import METHOD
from cai_core.review.taught import Taught
from cai_core.schema import Label
from cai_core.stats import FloatArray, logit

Setting = tuple[str, str, str, str, str]  # annotator, method, principles, template, constitution


@dataclass(frozen=True)
class Judged:
    """`p_a` (n,) P(A better) of one judge setting on n pairs, nan where it gave none.

    `votes` (n, k) are its principles' log-odds, nan where one had no vote; k may be 0.
    """

    annotator: str
    p_a: FloatArray
    votes: FloatArray

    @property
    def pairs(self) -> int:
        return int((~np.isnan(self.p_a)).sum())


def judged_beside(labels: Iterable[Label], verdicts: Taught) -> Judged | None:
    """The judge setting that judged most of these pairs; None where nobody did. Heads do not count."""
    places = {pair.identity: place for place, pair in enumerate(verdicts.pairs)}
    settings: dict[Setting, dict[int, Label]] = {}
    for label in labels:
        if label.kind != "judge" or label.p_a is None or label.method == METHOD:
            continue
        place = places.get(label.pair.identity)
        if place is not None:
            settings.setdefault(_setting(label), {})[place] = label
    if not settings:
        return None
    setting = max(settings, key=lambda one: len(settings[one]))
    return _aligned(setting[0], settings[setting], verdicts)


def _setting(label: Label) -> Setting:
    under = label.constitution.hash if label.constitution else ""
    return (label.annotator, label.method, label.principles, label.template, under)


def _aligned(annotator: str, labels: dict[int, Label], verdicts: Taught) -> Judged:
    keys = sorted({key for label in labels.values() for key in label.votes})
    p_a = np.full(len(verdicts), np.nan)
    votes = np.full((len(verdicts), len(keys)), np.nan)
    for place, label in labels.items():
        turned = label.pair.response_a != verdicts.pairs[place].response_a
        p_a[place] = _turned(label.p_a, turned=turned)
        votes[place] = [_turned(label.votes.get(key), turned=turned) for key in keys]
    return Judged(annotator, p_a, _odds(votes))


def _turned(p: float | None, *, turned: bool) -> float:
    if p is None:
        return float("nan")
    return 1 - p if turned else p


def _odds(votes: FloatArray) -> FloatArray:
    found: FloatArray = np.where(np.isnan(votes), np.nan, logit(np.nan_to_num(votes, nan=0.5)))
    return found
