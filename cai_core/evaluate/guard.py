"""The guard between two stages: whether a trained model still talks like the one it was made from.

Four things that a broken stage loses: it goes round in circles, it does not end, it says the same to
everything, or it finds helpful answers unlikely. Each is measured beside the base model on the same
prompts, and does not hold where it is surely worse than its bound allows; a few rows can hardly show
that, so each says its n. How answers and log-probabilities are made is not here.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from cai_core.schema import Row
from cai_core.stats import Estimate, clustered_mean, or_null, t95
from cai_core.text import is_looping

# Ours: what a stage of the recipe changes on purpose lies well within them, and a policy that has
# collapsed well outside.
MORE_LOOPING = 0.1  # share of answers
FEWER_ENDED = 0.2  # share of answers
LESS_DISTINCT = 0.7  # of the base's, at the same length
MORE_LOSS = 0.3  # nats a token: a third more perplexity
GRAMS = (1, 2, 3)  # words

Verdict = Literal["holds", "does not hold", "not measured"]


@dataclass(frozen=True)
class Spoken:
    """What a model answered: the text, and whether it ended its turn by itself."""

    text: str
    ended: bool


@dataclass(frozen=True)
class Answered:
    """The answers of the model and of its base to one prompt."""

    model: Spoken
    base: Spoken


@dataclass(frozen=True)
class Weighed:
    """Log-probabilities of one helpful answer, in nats, and its tokens."""

    model: float
    base: float
    tokens: int

    @property
    def more_loss(self) -> float:
        """Nats a token that the model finds it less likely than the base does."""
        return (self.base - self.model) / self.tokens


@dataclass(frozen=True)
class Check:
    """One measure of the model beside its base: the change with its 95% interval, and its bound.

    `change` is a difference, or a ratio as `how` says; `worst` is the largest that is allowed, the
    smallest where less is worse.
    """

    name: str
    model: float
    base: float
    change: Estimate
    worst: float
    less_is_worse: bool = False
    how: Literal["change", "ratio"] = "change"

    @property
    def verdict(self) -> Verdict:
        if math.isnan(self.change.value):
            return "not measured"
        surely = (
            self.change.high < self.worst if self.less_is_worse else self.change.low > self.worst
        )
        return "does not hold" if surely else "holds"

    @property
    def sentence(self) -> str:
        """What was found, in words with the numbers."""
        if self.verdict == "not measured":
            return f"{self.name}: not measured"
        allowed = "no less than" if self.less_is_worse else "no more than"
        said = f"{self.name}: {self.model:.2f}, the base {self.base:.2f}; {self.how} {self.change},"
        return f"{said} {allowed} {self.worst:g} is allowed: {self.verdict}"

    def to_row(self) -> Row:
        row: Row = {"name": self.name, "model": or_null(self.model), "base": or_null(self.base)}
        row |= {"how": self.how, "change": self.change.to_row(), "worst": self.worst}
        return row | {"verdict": self.verdict, "sentence": self.sentence}


@dataclass(frozen=True)
class Guard:
    """What the guard found of one model."""

    model: str
    base: str
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        return not self.reasons

    @property
    def reasons(self) -> list[str]:
        """Why the model is not fit for the next stage; empty where it is."""
        return [one.sentence for one in self.checks if one.verdict == "does not hold"]

    def to_row(self) -> Row:
        row: Row = {"kind": "guard", "model": self.model, "base": self.base, "holds": self.holds}
        row["checks"] = [check.to_row() for check in self.checks]
        return row | {"reasons": self.reasons}


def guard(
    model: str, base: str, answered: Sequence[Answered], weighed: Sequence[Weighed] = ()
) -> Guard:
    """Hold a model against its base.

    Args:
        answered: of each prompt. weighed: of each helpful answer; without them its check is not measured.
    """
    checks = [
        _share("answers that go round in circles", answered, _loops, MORE_LOOPING),
        _share("answers that end", answered, lambda one: one.ended, -FEWER_ENDED, less=True),
        *(_distinct(n, answered) for n in GRAMS),
        _loss(weighed),
    ]
    return Guard(model, base, tuple(checks))


def _loops(one: Spoken) -> bool:
    return is_looping(one.text)


def _share(
    name: str,
    answered: Sequence[Answered],
    has: Callable[[Spoken], bool],
    worst: float,
    *,
    less: bool = False,
) -> Check:
    """A share of the answers, and how it changed prompt by prompt."""
    model, base = ([float(has(getattr(row, who))) for row in answered] for who in _WHO)
    changes = [now - before for now, before in zip(model, base, strict=True)]
    return Check(name, _mean(model), _mean(base), _paired(changes), worst, less)


_WHO = ("model", "base")


def _loss(weighed: Sequence[Weighed]) -> Check:
    """Loss a token on helpful answers, and how much more it is than the base's, by answer."""
    known = [one for one in weighed if one.tokens]
    model = _mean([-one.model / one.tokens for one in known])
    base = _mean([-one.base / one.tokens for one in known])
    change = _paired([one.more_loss for one in known])
    return Check("loss a token on helpful answers", model, base, change, MORE_LOSS)


def _distinct(n: int, answered: Sequence[Answered]) -> Check:
    """Different n-grams among all that were said, as a share of the base's.

    Longer answers repeat more, so each pair is cut to the shorter one's length. The interval is a
    jackknife over prompts of the logarithm of the ratio.
    """
    pairs = [_cut(row) for row in answered]
    model, base = ([_grams(pair[side], n) for pair in pairs] for side in (0, 1))
    shares = _share_distinct(model), _share_distinct(base)
    name = f"different {n}-grams" if n > 1 else "different words"
    ratio = _ratio(model, base)
    return Check(name, *shares, ratio, LESS_DISTINCT, less_is_worse=True, how="ratio")


def _cut(row: Answered) -> tuple[list[str], list[str]]:
    model, base = row.model.text.casefold().split(), row.base.text.casefold().split()
    size = min(len(model), len(base))
    return model[:size], base[:size]


Grams = list[tuple[str, ...]]


def _grams(words: Sequence[str], n: int) -> Grams:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _share_distinct(said: Sequence[Grams]) -> float:
    every = [gram for grams in said for gram in grams]
    return len(set(every)) / len(every) if every else math.nan


def _ratio(model: Sequence[Grams], base: Sequence[Grams]) -> Estimate:
    n = sum(1 for grams in model if grams)
    whole = _log_ratio(model, base)
    if math.isnan(whole) or n < 2:
        return Estimate(math.exp(whole) if n else math.nan, math.nan, math.nan, n)
    left_out = [
        _log_ratio([*model[:i], *model[i + 1 :]], [*base[:i], *base[i + 1 :]])
        for i, grams in enumerate(model)
        if grams
    ]
    middle = sum(left_out) / n
    error = math.sqrt((n - 1) / n * sum((one - middle) ** 2 for one in left_out))
    half = t95(n - 1) * error
    return Estimate(math.exp(whole), math.exp(whole - half), math.exp(whole + half), n)


def _log_ratio(model: Sequence[Grams], base: Sequence[Grams]) -> float:
    one, other = _share_distinct(model), _share_distinct(base)
    return math.log(one / other) if one > 0 and other > 0 else math.nan


def _paired(changes: Sequence[float]) -> Estimate:
    return clustered_mean(changes, range(len(changes)))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
