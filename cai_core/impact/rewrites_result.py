"""What an edit does to revisions, as a value: written as JSON, read by the page, told in the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from cai_core.evaluate.winrate import Independence, WinRate
from cai_core.feedback.templates import requests_of
from cai_core.impact.blind import left_out, win_rates
from cai_core.impact.contrasts import Contrast, contrasts, mean_similarity
from cai_core.impact.edit import Touched
from cai_core.impact.result import Touch
from cai_core.impact.rewrite import Rewrite, Standard
from cai_core.impact.rewrites import Requested
from cai_core.schema import ConstitutionRef, Principle, Row
from cai_core.settings import BUILTIN
from cai_core.stats import Estimate, or_null

ASKS: dict[Standard, str] = {
    "old": "By the old version: does the edit cost anything?",
    "new": "By the new version: does it reach what the new wording asks?",
    "both": "By both versions, which ask a judge the same:",
}


@dataclass(frozen=True)
class Jury:
    """Who judged the revisions, how, and whether that is worth a headline."""

    setting: Row
    template: str
    independence: Independence
    kin: frozenset[str] = frozenset()

    @property
    def headline(self) -> bool:
        """The built-in model is at chance as a judge: judging its own kin it says nothing."""
        return self.independence.independent or BUILTIN not in (self.setting["model"], *self.kin)

    def to_row(self) -> Row:
        row: Row = {"setting": self.setting, "template": self.template}
        row |= {"independent": self.independence.independent, "headline": self.headline}
        return row | {"independence": self.independence.reason, "kin": sorted(self.kin)}

    @classmethod
    def from_row(cls, row: Row) -> Self:
        outside = Independence(row["independent"], row["independence"])
        return cls(row["setting"], row["template"], outside, frozenset(row["kin"]))


@dataclass(frozen=True)
class RewriteImpact:
    """The edit, both revisions of every prompt, and what they come to.

    `given` of the first answers came with the prompts; the model wrote the others. `seconds` are of
    the last attempt.
    """

    old: ConstitutionRef
    new: ConstitutionRef
    model: str
    sampling: Row
    requested: Requested
    touched: tuple[Touch, ...]
    rows: tuple[Rewrite, ...]
    jury: Jury | None = None
    given: int = 0
    seconds: float = 0.0
    seed: int = 0

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        return contrasts(self.rows)

    @cached_property
    def similarity(self) -> Estimate:
        return mean_similarity(self.rows)

    @cached_property
    def win_rates(self) -> dict[Standard, WinRate]:
        return win_rates(self.rows)

    @property
    def left_out(self) -> dict[str, int]:
        return left_out(self.rows)

    @property
    def failed(self) -> int:
        """Prompts without both revisions."""
        return sum(one.revisions is None for one in self.rows)

    def summary(self) -> Row:
        """The result without its rows."""
        row: Row = {"from": self.old.to_row(), "to": self.new.to_row(), "model": self.model}
        row |= {"requested": {"way": self.requested.way, "keys": list(self.requested.keys)}}
        row |= {"asked": self.requested.sentence, "n": len(self.rows), "failed": self.failed}
        row["measures"] = {one.name: _contrast_row(one) for one in self.contrasts}
        row["similarity"] = self.similarity.to_row()
        row["new_wins"] = {name: rate.to_row() for name, rate in self.win_rates.items()}
        row |= {"left_out": self.left_out, "given": self.given}
        return row | {"judge": self.jury.to_row() if self.jury else None}

    def to_row(self) -> Row:
        row: Row = {"kind": "impact-revisions"} | self.summary()
        row |= {"sampling": self.sampling, "seconds": self.seconds, "seed": self.seed}
        row["touched"] = [{**vars(one), "tags": list(one.tags)} for one in self.touched]
        return row | {"rows": [one.to_row() for one in self.rows]}

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """Read what `to_row` wrote; numbers are made anew of the rows."""
        old, new = (ConstitutionRef.from_row(row[name]) for name in ("from", "to"))
        assert old is not None
        assert new is not None
        return cls(
            old,
            new,
            row["model"],
            row["sampling"],
            Requested(row["requested"]["way"], tuple(row["requested"]["keys"])),
            tuple(Touch(**{**one, "tags": tuple(one["tags"])}) for one in row["touched"]),
            tuple(map(Rewrite.from_row, row["rows"])),
            Jury.from_row(row["judge"]) if row["judge"] else None,
            row["given"],
            row["seconds"],
            row["seed"],
        )


def _contrast_row(one: Contrast) -> Row:
    numbers = ("first", "old", "new", "difference")
    row: Row = {name: getattr(one, name).to_row() for name in numbers}
    return row | {"gained": one.gained, "lost": one.lost, "p": or_null(one.p)}


def requests_text(principle: Principle | None) -> str:
    """Both requests as they are sent; "" for no principle."""
    if principle is None:
        return ""
    asked = requests_of(principle)
    return f"Critique: {asked.critique}\nRevision: {asked.revision}"


def touches(touched: Sequence[Touched]) -> tuple[Touch, ...]:
    """The principles whose requests differ, as they are written."""
    return tuple(
        Touch(one.key, one.kind, requests_text(one.old), requests_text(one.new), one.tags)
        for one in touched
    )
