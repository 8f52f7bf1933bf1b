"""How every two annotators agree, for a file: shares and kappas, each with n and interval.

Only first blind verdicts of people measure anything; what all verdicts say stands beside it.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations, groupby

import numpy as np

from cai_core.review.agreement import measuring
from cai_core.review.alpha import METRICS, alpha
from cai_core.schema import SAID, Label, Row, setting_of
from cai_core.stats import Estimate, FloatArray, wilson

_SAID = ("a", "b", "tie")
_DRAWS = 2_000  # of the bootstrap; the ends of a 95% interval then stand on 50 draws each


@dataclass(frozen=True)
class Couple:
    """Two annotators on the pairs that both gave a side or a tie; a tie against a side is half right."""

    one: str
    other: str
    agreement: Estimate
    kappa: Estimate

    def to_row(self) -> Row:
        row: Row = {"one": self.one, "other": self.other}
        return row | {"agreement": _row(self.agreement), "kappa": _row(self.kappa)}


def _row(estimate: Estimate) -> Row:
    """What is undefined is null."""
    row = {"estimate": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: None if math.isnan(v) else v for name, v in row.items()} | {"n": estimate.n}


@dataclass
class _Tables:
    """How often two annotators said what, each couple in the order of names."""

    counts: dict[tuple[str, str], Counter[tuple[str, str]]] = field(default_factory=dict)

    def add(self, said: Mapping[str, str]) -> None:
        for one, other in combinations(sorted(said), 2):
            self.counts.setdefault((one, other), Counter())[said[one], said[other]] += 1

    def couples(self) -> list[Couple]:
        return [_couple(*names, counts) for names, counts in sorted(self.counts.items())]


def table(labels: Iterable[Label]) -> str:
    """A JSON document: `first_blind` and `all`, each a list of couples, and `alpha` of all people together.

    Args:
        labels: newest standing ones; those of a pair follow each other.
    """
    blind, every, people = _Tables(), _Tables(), list[list[int]]()
    for _, group in groupby(labels, key=lambda label: label.pair.id):
        here = [label for label in group if label.verdict in _SAID]
        every.add(_by_name(here))
        first = measuring(here)
        blind.add(_by_name([*(x for x in here if x.kind == "judge"), *first]))
        said = [label.verdict for label in first]
        people.append([said.count(verdict) for verdict in SAID])
    counts = np.array(people, dtype=np.float64).reshape(-1, len(SAID))
    row: Row = {"alpha": {m: _row(alpha(counts, metric=m)) for m in METRICS}}
    for name, tables in (("first_blind", blind), ("all", every)):
        row[name] = [couple.to_row() for couple in tables.couples()]
    return json.dumps(row, ensure_ascii=False, indent=1) + "\n"


def _by_name(labels: Iterable[Label]) -> dict[str, str]:
    return {_name(label): str(label.verdict) for label in labels}


def _name(label: Label) -> str:
    """A judge with its setting."""
    setting = setting_of(label).strip("/")
    return f"{label.kind}: {label.annotator}" + (f" ({setting})" if setting else "")


def _couple(one: str, other: str, counts: Counter[tuple[str, str]]) -> Couple:
    n = counts.total()
    right = sum(
        count * (1.0 if a == b else 0.5 if "tie" in (a, b) else 0.0)
        for (a, b), count in counts.items()
    )
    return Couple(one, other, wilson(right, n), kappa(counts))


def kappa(counts: Mapping[tuple[str, str], int]) -> Estimate:
    """Cohen's kappa (1960) from how often two said what, with a percentile bootstrap over pairs.

    Undefined where both give one same verdict throughout.

    >>> kappa({("a", "a"): 1, ("b", "b"): 2, ("a", "b"): 1}).value
    0.5
    """
    grid = np.array([[counts.get((a, b), 0) for b in _SAID] for a in _SAID], dtype=np.float64)
    n = int(grid.sum())
    value = float(_kappas(grid[None] / n)[0])
    if math.isnan(value):
        return Estimate(math.nan, math.nan, math.nan, n)
    drawn = np.random.default_rng(0).multinomial(n, grid.ravel() / n, size=_DRAWS)
    spread = _kappas(drawn.reshape(-1, 3, 3) / n)
    low, high = np.nanquantile(spread, [0.025, 0.975]).tolist()
    return Estimate(value, low, high, n)


def _kappas(shares: FloatArray) -> FloatArray:
    """(draws, 3, 3) -> (draws,), nan where chance alone would agree always."""
    seen = np.einsum("dii->d", shares)
    chance = (shares.sum(axis=1) * shares.sum(axis=2)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance < 1, (seen - chance) / (1 - chance), math.nan)
