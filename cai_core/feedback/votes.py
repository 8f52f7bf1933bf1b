"""From the probabilities of two options to a label: orders, votes, offset, mass.

Everything is combined in log-odds: position bias is additive there, so that the mean of both orders
takes it out, while the mean of probabilities would flatten what a biased judge knows.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cai_core.schema import Label, Orders, Pair, Verdict
from cai_core.stats import FloatArray, logit, sigmoid

MIN_MASS = 0.5  # with less, the judge spoke of something else: no verdict
ABSTAINS = 0.5  # with more on "does not apply" than on both answers together, there is no vote


@dataclass(frozen=True)
class Options:
    """P(the answer shown first is better), and the probability that went to the options at all.

    `p_first` is of the two answers alone; `p_none` is P(neither, for the question does not apply)
    of all three options, None where that was not offered.
    """

    p_first: float
    mass: float
    p_none: float | None = None

    @classmethod
    def of_logs(
        cls, first: FloatArray, second: FloatArray, neither: FloatArray | None = None
    ) -> "Options":
        """From the log-probabilities of each option's token variants.

        An option that an endpoint did not report is taken at its bound: all that is left over.
        """
        given = [first, second] if neither is None else [first, second, neither]
        p = [float(np.exp(logs).sum()) for logs in given]
        mass = min(1.0, sum(p))
        if mass <= 0:
            return cls(math.nan, 0.0)
        a, b, *none = (value or 1 - mass for value in p)
        p_first = a / (a + b) if a + b > 0 else math.nan
        return cls(p_first, mass, none[0] / (a + b + none[0]) if none else None)

    @classmethod
    def of_counts(
        cls, first: int, second: int, asked: int, neither: int | None = None
    ) -> "Options":
        """From sampled verdicts: (x + 0.5) / (k + 1), with k the readable ones."""
        either = first + second
        read = either + (neither or 0)
        if not read:
            return cls(math.nan, 0.0)
        p_none = None if neither is None else (neither + 0.5) / (read + 1)
        return cls((first + 0.5) / (either + 1), read / asked, p_none)


@dataclass(frozen=True)
class Vote:
    """One principle's answer in both orders: `a_first` as asked with A first, `b_first` with B."""

    principle: str
    weight: float
    a_first: Options
    b_first: Options

    @property
    def mass(self) -> float:
        return (self.a_first.mass + self.b_first.mass) / 2

    @property
    def p_none(self) -> float:
        """P(the principle does not apply), both orders combined; nan where that was not offered."""
        orders = (self.a_first.p_none, self.b_first.p_none)
        odds = [float(logit(math.nan if p is None else p)) for p in orders]
        return float(sigmoid(sum(odds) / 2))

    @property
    def abstains(self) -> bool:
        return self.mass >= MIN_MASS and self.p_none > ABSTAINS

    @property
    def stands(self) -> bool:
        return self.mass >= MIN_MASS and not self.abstains and not math.isnan(self.ab + self.ba)

    @property
    def ab(self) -> float:
        """logit P(response_a is better), A first."""
        return float(logit(self.a_first.p_first))

    @property
    def ba(self) -> float:
        """logit P(response_a is better), B first."""
        return -float(logit(self.b_first.p_first))

    @property
    def p_a(self) -> float:
        return float(sigmoid((self.ab + self.ba) / 2))


def tally(pair: Pair, votes: Sequence[Vote], *, tie_band: float) -> Label:
    """The label of all votes: their weighted mean in log-odds; null, with its reason, without one.

    Votes without mass do not count, nor do principles that do not apply. `inconsistent` is not
    known here: see `mark_inconsistent`.
    """
    mass = sum(vote.mass for vote in votes) / len(votes)
    standing = [vote for vote in votes if vote.stands]
    left_out = {vote.principle: vote.p_none for vote in votes if vote.abstains}
    if mass < MIN_MASS or not standing:
        reason = _no_verdict(mass, votes, left_out)
        return Label(pair, None, None, mass=mass, not_applicable=left_out, error=reason)
    total = sum(vote.weight for vote in standing)
    ab = sum(vote.weight * vote.ab for vote in standing) / total
    ba = sum(vote.weight * vote.ba for vote in standing) / total
    p = float(sigmoid((ab + ba) / 2))
    return Label(
        pair=pair,
        verdict=verdict_of(p, tie_band),
        p_a=p,
        p_raw=p,
        orders=Orders(float(sigmoid(ab)), float(sigmoid(ba))),
        offset=(ab - ba) / 2,
        flipped=ab * ba < 0,
        mass=mass,
        votes={vote.principle: vote.p_a for vote in standing},
        not_applicable=left_out,
    )


def _no_verdict(mass: float, votes: Sequence[Vote], left_out: Mapping[str, float]) -> str:
    if mass >= MIN_MASS and left_out:
        count = f"{len(left_out)} of {len(votes)}"
        rest = "" if len(left_out) == len(votes) else ", and the others have no verdict"
        return f"no verdict: by the judge {count} principles do not apply to this pair{rest}"
    return (
        f"no verdict: the judge spent {mass:.2f} of its probability on the options, and"
        f" {MIN_MASS} is needed"
    )


def verdict_of(p_a: float, tie_band: float = 0.0) -> Verdict:
    """
    >>> verdict_of(0.52), verdict_of(0.52, 0.05), verdict_of(0.2)
    ('a', 'tie', 'b')
    """
    if abs(p_a - 0.5) <= tie_band:
        return "tie"
    return "a" if p_a > 0.5 else "b"


def clamped(label: Label, bounds: tuple[float, float]) -> Label:
    """p_a kept within the bounds (CAI section 4.1: 0.4 to 0.6 after reasoning); p_raw stays."""
    if label.p_a is None:
        return label
    low, high = bounds
    return replace(label, p_a=min(max(label.p_a, low), high))


def median_offset(labels: Iterable[Label]) -> float | None:
    """The judge's position bias in log-odds; None without a judgement."""
    offsets = [label.offset for label in labels if label.offset is not None]
    return statistics.median(offsets) if offsets else None


def mark_inconsistent(labels: Sequence[Label], *, offset: float | None = None) -> list[Label]:
    """Set `inconsistent`: whether the orders still disagree without the judge's position bias.

    Args:
        offset: the judge's median offset; that of these labels unless told.
    """
    bias = median_offset(labels) if offset is None else offset
    return [replace(label, inconsistent=_inconsistent(label, bias)) for label in labels]


def _inconsistent(label: Label, bias: float | None) -> bool | None:
    if bias is None or label.orders is None:
        return None
    return float(logit(label.orders.ab) - bias) * float(logit(label.orders.ba) + bias) < 0
