"""Soft labels for a method that knows none: each pair in the direction that its label leans to."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from cai_core.schema import Row


@dataclass(frozen=True)
class Lost:
    """What is not learned from, as numbers and in words."""

    metrics: dict[str, float]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Leaning:
    """Pairs whose chosen answer is the likelier one; `ties` and `weightless` ones are left out.

    `turned` were labelled as more likely the other way round.
    """

    rows: tuple[Row, ...]
    ties: int = 0
    weightless: int = 0
    turned: int = 0

    @classmethod
    def of(cls, pairs: Sequence[Row], *, least: float = 0.0) -> "Leaning":
        """Leave out pairs with p no further from 0.5 than `least`, or of weight 0.

        >>> found = Leaning.of([{"chosen": 1, "rejected": 2, "p_chosen": p} for p in (0.9, 0.5, 0.2)])
        >>> [(row["chosen"], row["p_chosen"]) for row in found.rows], found.ties, found.turned
        ([(1, 0.9), (2, 0.8)], 1, 1)
        """
        heavy = [row for row in pairs if row.get("weight", 1.0) > 0]
        kept = [row for row in heavy if abs(row["p_chosen"] - 0.5) > least]
        rows = tuple(_turned(row) if row["p_chosen"] < 0.5 else row for row in kept)
        turned = sum(row["p_chosen"] < 0.5 for row in kept)
        return cls(rows, len(heavy) - len(kept), len(pairs) - len(heavy), turned)

    @property
    def smoothing(self) -> float:
        """The share of these directions that is wrong, if p is calibrated: the mean of 1 - p."""
        return fmean(1 - row["p_chosen"] for row in self.rows) if self.rows else 0.0

    def lost(self, made: Sequence[Row], limit: int) -> Lost:
        """Count what is left out and cut, where `made` is what `limit` tokens left to learn from."""
        long = len(self.rows) - len(made)
        cut = sum(
            len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"])) > limit
            for row in made
        )
        metrics: dict[str, float] = {"ties": self.ties, "dropped_pairs": long, "cut_pairs": cut}
        metrics |= {"weightless_pairs": self.weightless, "mean_doubt": self.smoothing}
        weights = {row.get("weight", 1.0) for row in self.rows}
        notes = (
            f"each pair counts whole in the direction of its label: a mean doubt of"
            f" {self.smoothing:.2f} (1 - p) is not learned"
            if self.smoothing
            else "",
            f"{self.ties} pairs lean to no side and were left out" if self.ties else "",
            f"{self.weightless} pairs of weight 0 were left out" if self.weightless else "",
            "weights other than 0 are not used" if len(weights) > 1 else "",
            f"{long} pairs were left out: their prompt fills max_length" if long else "",
            f"{cut} pairs were longer than max_length and cut" if cut else "",
        )
        return Lost(metrics, notes)


def _turned(row: Row) -> Row:
    other = {"chosen": row["rejected"], "rejected": row["chosen"]}
    return row | other | {"p_chosen": round(1 - row["p_chosen"], 12)}
