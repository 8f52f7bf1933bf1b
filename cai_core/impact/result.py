"""What an edit changes, as a value: it is written as JSON, read by the page and told in the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from cai_core.impact.directions import DIRECTIONS
from cai_core.impact.effect import DirectionEffect, Effect
from cai_core.impact.outcome import Judged
from cai_core.impact.people import Against, against, by_part
from cai_core.impact.plan import REWORDED
from cai_core.impact.shifts import FlipCount, Shift, flip_counts, flip_share
from cai_core.schema import ConstitutionRef, Row
from cai_core.stats import Estimate, or_nan, or_null


@dataclass(frozen=True)
class Cost:
    """Questions that the comparison and its checks need, and those of judging the new version anew.

    `cached` and `seconds` are of the last attempt: how many were paid for before, and how long the
    rest took.
    """

    compared: int
    checked: int
    full: int
    cached: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Touch:
    """A touched principle by its question before and after."""

    key: str
    kind: str
    old: str
    new: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Impact:
    """The edit, everything that was judged, and what it comes to.

    `checked` is None where it was not asked whether the shift is real; `locked` where the locked
    pairs were not looked at.
    """

    old: ConstitutionRef
    new: ConstitutionRef
    judge: Row  # the judge setting
    template: str
    touched: tuple[Touch, ...]
    pairs: tuple[Judged, ...]
    table: tuple[Shift, ...]
    cost: Cost
    checked: Effect | None = None
    locked: Against | None = None
    seed: int = 0

    @property
    def failed(self) -> int:
        return sum(1 for one in self.pairs if one.error)

    @property
    def flips(self) -> list[Judged]:
        """Against a standing verdict of a person first, those not meant before those meant."""
        flips = [one for one in self.pairs if one.flip]
        return sorted(flips, key=lambda one: (not against_person(one), one.meant))

    @property
    def flip_share(self) -> Estimate:
        return flip_share(self.pairs)

    @property
    def flip_counts(self) -> dict[str, FlipCount]:
        return flip_counts(self.pairs)

    @property
    def tune(self) -> Against:
        return against(by_part(self.pairs, "tune"))

    def to_row(self) -> Row:
        row: Row = {"kind": "impact", "from": self.old.to_row(), "to": self.new.to_row()}
        row |= {"judge": self.judge, "template": self.template, "seed": self.seed}
        row |= {"verdict": verdict_sentence(self), "n": len(self.pairs), "failed": self.failed}
        row["touched"] = [vars(one) | {"tags": list(one.tags)} for one in self.touched]
        row |= {"flips": len(self.flips), "flip_share": self.flip_share.to_row()}
        row["flip_counts"] = {name: vars(one).copy() for name, one in self.flip_counts.items()}
        row["shifts"] = [
            vars(s) | {"estimate": s.estimate.to_row(), "q": or_null(s.q)} for s in self.table
        ]
        row["checked"] = _effect_row(self.checked) if self.checked else None
        row["tune"] = self.tune.to_row()
        row["locked"] = self.locked.to_row() if self.locked else None
        row["cost"] = vars(self.cost).copy()
        row["rows"] = [one.to_row() for one in self.pairs]
        return row

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """Read what `to_row` wrote."""
        old, new = (ConstitutionRef.from_row(row[name]) for name in ("from", "to"))
        assert old is not None
        assert new is not None
        band = float(row["judge"].get("tie_band", 0.0))
        shifts = [
            {**s, "estimate": Estimate.from_row(s["estimate"]), "q": or_nan(s["q"])}
            for s in row["shifts"]
        ]
        return cls(
            old,
            new,
            row["judge"],
            row["template"],
            tuple(Touch(**{**one, "tags": tuple(one["tags"])}) for one in row["touched"]),
            tuple(Judged.from_row(one, band) for one in row["rows"]),
            tuple(Shift(**shift) for shift in shifts),
            Cost(**row["cost"]),
            _read_effect(row["checked"]) if row["checked"] else None,
            Against.from_row(row["locked"]) if row["locked"] else None,
            row["seed"],
        )


def against_person(one: Judged) -> bool:
    """Whether the new verdict contradicts a person's where the old one did not."""
    old, new = one.verdicts
    return one.pair.label in ("a", "b") and new != one.pair.label == old


def verdict_sentence(impact: Impact) -> str:
    """Effective, no effect shown, or not asked; in words that claim no more."""
    checked = impact.checked
    if checked is None:
        return "not told: whether it is more than a rewording does was not asked"
    if not checked.enough_placebos:
        return (
            f"not told: a shift cannot be larger than 95% of {checked.placebos} placebo edits;"
            f" {REWORDED} are needed"
        )
    held = [name for name, one in checked.directions.items() if one.effective]
    if not held:
        return "no effect shown"
    told = [_moved(DIRECTIONS[name], checked.directions[name].estimate) for name in held]
    return "effective: " + "; ".join(told)


def _moved(direction: str, estimate: Estimate) -> str:
    way = direction if estimate.value > 0 else direction.replace("towards", "away from")
    return f"{way} by {abs(estimate.value):.2g} log-odds"


# -- JSON


def _effect_row(found: Effect) -> Row:
    return {
        "effective": found.effective,
        "placebos": found.placebos,
        "directions": {name: _direction(one) for name, one in found.directions.items()},
    }


def _direction(one: DirectionEffect) -> Row:
    row: Row = {"estimate": one.estimate.to_row(), "effective": one.effective}
    row["paraphrases"] = [or_null(value) for value in one.paraphrases]
    return row | {"p_placebo": or_null(one.p_placebo), "placebo_bound": or_null(one.placebo_bound)}


def _read_effect(row: Row) -> Effect:
    found = {}
    for name, one in row["directions"].items():
        paraphrases = tuple(map(or_nan, one["paraphrases"]))
        bounds = (or_nan(one["p_placebo"]), or_nan(one["placebo_bound"]))
        found[name] = DirectionEffect(Estimate.from_row(one["estimate"]), paraphrases, *bounds)
    return Effect(found, row["placebos"])


def touches(edit_touched: Sequence[Any]) -> tuple[Touch, ...]:
    """The touched principles of an `Edit` as they are written."""
    from cai_core.feedback.comparison import comparison_question

    def asked(principle: Any) -> str:
        return comparison_question(principle) if principle else ""

    return tuple(
        Touch(one.key, one.kind, asked(one.old), asked(one.new), one.tags) for one in edit_touched
    )
