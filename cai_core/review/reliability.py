"""How often one person's verdict is right, from how often two independent readings of a pair agree.

    A = r^2 + (1 - r)^2     two readings that are each right with probability r agree with probability A
    r = (1 + sqrt(2 A - 1)) / 2

Readings of two people measure it; those of one person, whose errors come again, only bound it from above.
Errors that all people share are seen by neither. Only blind readings count, outside queues that are picked
by what was said before; a tie, a skip or a "bad" takes no side and says nothing of r.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cai_core.review.from_labels import NARROW
from cai_core.schema import HUMAN_P, Label, Row
from cai_core.schema.readings import Verdicts
from cai_core.stats import NOTHING, Estimate, wilson

# Pairs read twice. At 30 the standard error of r = 0.75 is 0.09, which costs 0.02 nats of log loss; to take a
# verdict that is right 75% of the time for certain costs more without any bound.
LEAST = 30


@dataclass(frozen=True)
class Reading:
    """One blind verdict: `p` is 1 (the pair's first answer is better), 0.5 or 0; `first` of this person."""

    pair: Hashable
    person: str
    p: float
    first: bool = True


@dataclass(frozen=True)
class Reliability:
    """P(one person's verdict for a side is right), with its interval over pairs.

    Of every estimate n counts pairs. `agreement` is A of two people. `repeated` is r as readings of
    one person twice put it: at most that. `ties` counts readings of twice-read pairs without a side.
    """

    value: Estimate = NOTHING
    agreement: Estimate = NOTHING
    repeated: Estimate = NOTHING
    ties: int = 0

    @property
    def used(self) -> float | None:
        """What a person's verdict counts for; None where too few pairs were read twice."""
        if self.value.n >= LEAST:
            return self.value.value
        return self.repeated.value if self.repeated.n >= LEAST else None

    @property
    def sentence(self) -> str:
        """One line for a manifest and a page."""
        read = f"{self.value.n} pairs read by two people, {self.repeated.n} twice by one"
        if self.used is None:
            return (
                f"How reliable people are is not measured ({read}; {LEAST} of either are needed):"
                " their verdicts count as certain."
            )
        if self.value.n < LEAST:
            return (
                f"A person's verdict counts as right with {_told(self.repeated)}: at most that, by one"
                f" person's second readings ({read})."
            )
        return f"A person's verdict counts as right with {_told(self.value)}: {read}."

    def to_row(self) -> Row:
        row: Row = {"used": self.used, "words": self.sentence, "ties": self.ties}
        names = ("value", "agreement", "repeated")
        return row | {name: getattr(self, name).to_row() for name in names}


UNMEASURED = Reliability()


def _told(one: Estimate) -> str:
    return f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%})"


def reliability(readings: Iterable[Reading]) -> Reliability:
    """Estimate r; equal and independent readings are assumed.

    A pair that more than two people read counts once, by the mean over every two of them. One agreement
    and one disagreement are added to those seen (Laplace's rule), so that a run of agreements is not
    taken for certainty; the interval is Wilson's of A, carried over to r.
    """
    firsts: dict[Hashable, dict[str, float]] = {}
    all_of: dict[tuple[Hashable, str], list[float]] = {}
    for one in readings:
        if one.first:
            firsts.setdefault(one.pair, {})[one.person] = one.p
        all_of.setdefault((one.pair, one.person), []).append(one.p)
    two = [list(said.values()) for said in firsts.values() if len(said) > 1]
    again = [said for said in all_of.values() if len(said) > 1]
    value, agreement = _of_agreement(two)
    repeated, _ = _of_agreement(again)
    ties = sum(p == 0.5 for said in (*two, *again) for p in said)
    return Reliability(value, agreement, repeated, ties)


def _of_agreement(read: Iterable[Sequence[float]]) -> tuple[Estimate, Estimate]:
    """r and A from what was said of each pair; those with fewer than two sides are left out."""
    means = []
    for said in read:
        couples = list(combinations([p for p in said if p != 0.5], 2))
        if couples:
            means.append(sum(a == b for a, b in couples) / len(couples))
    n = len(means)
    if not n:
        return NOTHING, NOTHING
    agreed = wilson(sum(means), n)
    value = _right((sum(means) + 1) / (n + 2))
    return Estimate(value, _right(agreed.low), _right(agreed.high), n), agreed


def _right(agreement: float) -> float:
    """r of an agreement A; 0.5, no better than a coin, where A is one half or less.

    >>> round(_right(0.82), 6), _right(0.3)
    (0.9, 0.5)
    """
    return (1 + math.sqrt(max(0.0, 2 * agreement - 1))) / 2


def people_p(p: float, readers: int, used: float | None) -> float:
    """P(the first answer is better), given that so many people independently said `p`: 1, 0.5 or 0.

    Their evidence adds up in log-odds: odds = (r / (1 - r)) ^ readers. As said where `used` is None.

    >>> people_p(1.0, 1, 0.75), people_p(0.0, 2, 0.75), people_p(0.5, 3, 0.75), people_p(1.0, 2, None)
    (0.75, 0.1, 0.5, 1.0)
    """
    if used is None or p == 0.5:
        return p
    right, wrong = used**readers, (1 - used) ** readers
    return (right if p > 0.5 else wrong) / (right + wrong)


def readings_of(verdicts: Verdicts) -> list[Reading]:
    """The blind readings of pairs that have more than one, out of a workspace's verdicts."""
    counts = verdicts.blind & ~np.isnan(verdicts.sides)
    counts &= ~np.isin(verdicts.queues, sorted(NARROW))
    said = verdicts.where(counts)
    pairs, n = np.unique(said.pairs, return_counts=True)
    said = said.where(np.isin(said.pairs, pairs[n > 1]))
    columns = (said.pairs.tolist(), said.people.tolist(), said.sides.tolist())
    rows = zip(*columns, said.first_blind.tolist(), strict=True)
    return [Reading(pair, said.names[who], p, first) for pair, who, p, first in rows]


def readings_in(labels: Iterable[Label]) -> list[Reading]:
    """The blind readings in a labels file, in either orientation.

    A verdict without a `review` is taken for a first blind one, as a certificate takes it; one without
    a name says nothing of two readers.
    """
    first_seen: dict[str, str] = {}
    found = []
    for label in labels:
        pair, review = label.pair, label.review
        verdict = label.verdict if label.kind == "person" else pair.label
        person = review.reviewer if review else label.annotator if label.kind == "person" else ""
        p = HUMAN_P.get(verdict or "")
        if p is None or not person or label.kind == "rule":
            continue
        if review and (not review.blind or review.queue in NARROW):
            continue
        answer = first_seen.setdefault(pair.identity, pair.response_a)
        p = p if pair.response_a == answer else 1 - p
        found.append(Reading(pair.identity, person, p, review is None or review.first))
    return found
