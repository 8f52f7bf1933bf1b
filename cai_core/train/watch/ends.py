"""The best and the worst of the held-out rows by one number: what a mean hides."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cai_core.schema import Row
from cai_core.train.watch.records import Watch

COUNT = 10


@dataclass(frozen=True)
class Measure:
    """The number by which rows are put in order: its short name, what it is, which end is better."""

    name: str
    says: str
    higher_is_better: bool


LOSS = Measure("loss", "mean nats a token of the answer, lower is better", False)
MARGIN = Measure(
    "margin", "score of the better answer minus the other's, by the label: under 0 is wrong", True
)


def tell(out: Path, rows: Sequence[Row], values: Sequence[float], measure: Measure) -> None:
    """Write `ends.json` of rows (prompt, and completion or chosen and rejected) with their values."""
    if rows:
        Watch(out).write("ends", of(rows, values, measure))


def of(rows: Sequence[Row], values: Sequence[float], measure: Measure) -> Row:
    """Both ends, the most extreme first; no row stands in both, and one without a number in none.

    >>> found = of([{"prompt": 1}, {"prompt": 2}, {"prompt": 3}], [0.5, 0.1, 0.9], LOSS)
    >>> [row["prompt"] for row in found["best"]], [row["prompt"] for row in found["worst"]]
    ([2], [3, 1])
    """
    known = [pair for pair in zip(rows, values, strict=True) if math.isfinite(pair[1])]
    known.sort(key=lambda pair: pair[1], reverse=measure.higher_is_better)
    best = known[: min(COUNT, len(known) // 2)]
    worst = known[len(best) :][-COUNT:][::-1]
    said = [
        [{**row, "value": value, "name": measure.name} for row, value in part]
        for part in (best, worst)
    ]
    return {"measure": measure.says, "n": len(known), "best": said[0], "worst": said[1]}
