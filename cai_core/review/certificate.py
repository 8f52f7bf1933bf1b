"""How often the labels agree with people's first blind verdicts, for a stated population.

The question is of the population as it stands, not of pairs yet to come: with every pair reviewed the
interval has no width. See augmented.py for the estimate and effective_size.py for the interval.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

import numpy as np

from cai_core.errors import DataError
from cai_core.review.augmented import Augmented, augmented
from cai_core.review.effective_size import effective_size, share_interval, unevenness
from cai_core.review.levels import Levels, levels
from cai_core.review.sample import Population, Reviewed, checked
from cai_core.schema import Row
from cai_core.stats import NOTHING, Estimate, FloatArray


@dataclass(frozen=True)
class Stratum:
    """Pairs of one range of confidence: `size` of the population, `estimate` of them right.

    `low` and `high` are confidences; nan for the pairs that have none. `share_of_width` is the part of
    the certificate's variance that comes from here, in [0, 1].
    """

    low: float
    high: float
    size: int
    estimate: Estimate
    share_of_width: float


@dataclass(frozen=True)
class Certificate:
    """`estimate` of the labels of a population agree with first blind verdicts, `low` to `high` at 95%.

    `n` counts reviewed pairs, `population` all pairs that it speaks of, `known` those of them whose
    label is a person's own. `effective` is how many even draws these n are worth, `uneven` how far
    their weights differ. `hash` is of all that it was computed from, `date` is ISO.
    """

    estimate: float
    low: float
    high: float
    n: int
    population: int
    assumes_random: bool = False
    known: int = 0
    ties: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    human_human: Estimate = NOTHING
    strata: tuple[Stratum, ...] = ()
    effective: float = math.nan
    uneven: float = 0.0
    date: str = ""
    hash: str = ""

    @property
    def width(self) -> float:
        return self.high - self.low

    def words(self) -> str:
        """One sentence for a page or a model card."""
        if not self.n:
            return f"None of these {self.population:,} labels has been reviewed blind."
        said = (
            f"{self.estimate:.1%} of these {self.population:,} labels agree with a person's first blind"
            f" verdict (95% interval {self.low:.1%} to {self.high:.1%}, n = {self.n:,} reviewed)"
        )
        if self.human_human.n:
            said += f"; two people agree on {self.human_human.value:.0%} of {self.human_human.n:,}"
        if self.assumes_random:
            said += "; this takes the reviewed rows for a random sample, which was not recorded"
        return said + "."

    def to_row(self) -> Row:
        """As JSON: what is undefined is null."""
        row = asdict(self) | {"left_out": dict(self.left_out), "strata": []}
        row |= {name: _number(row[name]) for name in ("estimate", "low", "high", "effective")}
        row["human_human"] = _estimate_row(self.human_human)
        row["strata"] = [
            {"low": _number(one.low), "high": _number(one.high), "size": one.size}
            | {"estimate": _estimate_row(one.estimate), "share_of_width": one.share_of_width}
            for one in self.strata
        ]
        return row

    @classmethod
    def from_row(cls, row: Row) -> "Certificate":
        """Raises DataError: it lacks what a certificate has."""
        known = {one.name for one in fields(cls)}
        try:
            given = {name: value for name, value in row.items() if name in known}
            given |= {
                name: _undefined(given[name]) for name in ("estimate", "low", "high", "effective")
            }
            given["human_human"] = _estimate_of(given["human_human"])
            given["strata"] = tuple(
                Stratum(
                    _undefined(one["low"]),
                    _undefined(one["high"]),
                    one["size"],
                    _estimate_of(one["estimate"]),
                    one["share_of_width"],
                )
                for one in given["strata"]
            )
            return cls(**given)
        except (KeyError, TypeError) as error:
            raise DataError(f"this is no certificate: {error} is missing or malformed") from error


def certificate(
    population: Population,
    reviewed: Reviewed,
    *,
    human_human: Estimate = NOTHING,
    date: str = "",
) -> Certificate:
    """The certificate of a population from the reviews of some of its pairs.

    Raises:
        DataError: arrays that do not fit together, see `sample.checked`.
    """
    checked(population, reviewed)
    made = certified(levels(population), reviewed, known=population.known)
    digest = _hash(population, reviewed)
    return replace(made, human_human=human_human, date=date, hash=digest)


def certified(
    table: Levels, reviewed: Reviewed, *, known: int = 0, by_stratum: bool = True
) -> Certificate:
    """The certificate of a population whose table is at hand; neither dated nor hashed."""
    n, size = len(reviewed), table.size
    made = Certificate(
        *(math.nan, math.nan, math.nan, n, size + known),
        assumes_random=reviewed.assumes_random,
        known=known,
        ties=reviewed.ties,
        left_out=dict(reviewed.left_out),
    )
    if not size and known:
        return replace(made, estimate=1.0, low=1.0, high=1.0)
    if not n:
        return made
    found = augmented(table, reviewed)
    worth = effective_size(
        found.value,
        found.variance(reviewed.clusters),
        right=reviewed.right,
        weight=reviewed.weight,
        drawn=found.drawn,
    )
    uneven = unevenness(reviewed.weight)
    value, low, high = _bounded(found.value, worth, uneven, reviewed=reviewed, size=size)
    ends = [_with_known(end, reviewed, size, known=known) for end in (value, low, high)]
    return replace(
        made,
        estimate=ends[0],
        low=ends[1],
        high=ends[2],
        effective=worth,
        uneven=uneven,
        strata=_strata(table, reviewed, found) if by_stratum else (),
    )


def _bounded(
    value: float, worth: float, uneven: float, *, reviewed: Reviewed, size: int
) -> tuple[float, float, float]:
    """The share and its ends, no less than what is known and no more than what is open.

    Half a pair is added on either side: the share moves in steps of one.
    """
    least = float(reviewed.right.sum()) / size
    most = least + (size - len(reviewed)) / size
    inside = min(max(value, least), most)
    if len(reviewed) == size:
        return inside, inside, inside
    low, high = share_interval(inside, worth, uneven=uneven)
    return inside, max(low - 0.5 / size, least), min(high + 0.5 / size, most)


def _with_known(share: float, reviewed: Reviewed, size: int, *, known: int) -> float:
    """The share of all labels, of which those of people are right by construction."""
    repaired = float((1 - reviewed.right).sum()) if reviewed.repaired else 0.0
    return min(1.0, (share * size + repaired + known) / (size + known))


def _strata(table: Levels, reviewed: Reviewed, found: Augmented) -> tuple[Stratum, ...]:
    squares = np.square(found.pull)
    total = float(squares.sum()) or math.nan
    rows = []
    for place, size in enumerate(found.sizes.tolist()):
        stated = table.confidence[found.of_level == place]
        stated = stated[~np.isnan(stated)]
        mine = found.stratum == place
        part = float(squares[mine].sum()) / total
        ends = (float(stated.min()), float(stated.max())) if len(stated) else (math.nan, math.nan)
        right, kept = reviewed.right[mine], found.kept[mine]
        rows.append(
            Stratum(
                *ends,
                round(size),
                _stratum_estimate(right, reviewed.weight[mine], found.drawn[mine], kept=kept),
                part if part == part else 0.0,
            )
        )
    return tuple(rows)


def _stratum_estimate(
    right: FloatArray, weight: FloatArray, drawn: FloatArray, *, kept: FloatArray
) -> Estimate:
    """The weighted mean of a stratum alone."""
    n = len(right)
    if not n:
        return NOTHING
    value = float(kept @ right / kept.sum())
    moved = drawn * (right - value) / kept.sum()
    variance = float(np.square(moved).sum()) * n / max(n - 1, 1)
    worth = effective_size(value, variance, right=right, weight=weight, drawn=drawn)
    return Estimate(value, *share_interval(value, worth, uneven=unevenness(weight)), n)


def reviews_needed(made: Certificate, *, width: float) -> int | None:
    """How many reviews in all give an interval of this width, drawn as these were; None if unknown.

    The smallest number, at the estimate of now and with draws that are worth as much as these.
    """
    size = made.population - made.known
    if made.n < 2 or not size or math.isnan(made.estimate):
        return None
    if made.width <= width:
        return made.n
    share = min(max((made.estimate * made.population - made.known) / size, 0.0), 1.0)
    worth = made.effective / made.n * (1 - made.n / size)  # of one draw, from an endless population
    low, high = made.n, size
    while high - low > 1:
        n = (low + high) // 2
        ends = share_interval(share, n * worth / (1 - n / size), uneven=made.uneven)
        if (ends[1] - ends[0]) * size / made.population > width:
            low = n
        else:
            high = n
    return high


def _hash(population: Population, reviewed: Reviewed) -> str:
    digest = hashlib.sha256()
    arrays = [population.confidence, reviewed.index, reviewed.right, reviewed.weight]
    if population.predictors is not None:
        arrays.append(population.predictors)
    for one in arrays:
        digest.update(np.ascontiguousarray(one).tobytes() + b"|")
    told = (
        population.known,
        reviewed.ordered,
        reviewed.repaired,
        sorted(reviewed.left_out.items()),
    )
    digest.update(repr(told).encode())
    return digest.hexdigest()[:16]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _undefined(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _estimate_row(one: Estimate) -> Row:
    return {name: _number(value) for name, value in vars(one).items()}


def _estimate_of(row: Row) -> Estimate:
    value, low, high = (_undefined(row[name]) for name in ("value", "low", "high"))
    return Estimate(value, low, high, int(row["n"]))
