"""Verdicts on pairs, by judges and by people."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self, cast

from cai_core.errors import DataError
from cai_core.schema import fields
from cai_core.schema.ballots import Ballot, disagreement
from cai_core.schema.constitutions import ConstitutionRef
from cai_core.schema.fields import Row
from cai_core.schema.pairs import VERDICTS, Pair, Verdict

AnnotatorKind = Literal["judge", "person", "rule"]
Method = Literal["logprob", "cot", "repeat"]
PrincipleMode = Literal["whole", "each", "draw"]
EVENT = "event"  # field of an exported event: id, created, source, undone


@dataclass(frozen=True)
class Review:
    """How a person came to give a verdict, and what else they said.

    `pi` is the probability with which the row came up at its draw; `scope` says out of which pairs, ""
    for all. `clear`: the verdict was given as
    a clear one. `shown` says which answer stood first on the reviewer's screen, "" where unknown.
    """

    blind: bool
    queue: str
    pi: float | None
    reviewer: str
    constitution_version: int | None = None
    first: bool = True
    clear: bool = False
    reasons: tuple[str, ...] = ()
    note: str = ""
    shown: Literal["ab", "ba", ""] = ""
    scope: str = ""

    @classmethod
    def from_row(cls, row: object) -> "Review | None":
        if not isinstance(row, dict):
            return None
        return cls(
            blind=bool(row.get("blind", False)),
            queue=str(row.get("queue", "")),
            pi=fields.probability(row, "pi"),
            reviewer=str(row.get("reviewer", "")),
            constitution_version=row.get("constitution_version"),
            first=bool(row.get("first", True)),
            clear=bool(row.get("clear", False)),
            reasons=tuple(map(str, row.get("reasons") or ())),
            note=str(row.get("note") or ""),
            shown=fields.choice(row, "shown", ("ab", "ba")) or "",
            scope=str(row.get("scope") or ""),
        )

    def to_row(self) -> Row:
        """What was not said is left out."""
        row = dict(vars(self)) | {"reasons": list(self.reasons)}
        said = {name: row.pop(name) for name in _LEFT_OUT_WHERE_EMPTY}
        return row | {name: value for name, value in said.items() if value}


_LEFT_OUT_WHERE_EMPTY = ("clear", "reasons", "note", "shown", "scope")


@dataclass(frozen=True)
class Orders:
    """P(response_a is better) as asked with A first (`ab`) and with B first (`ba`)."""

    ab: float
    ba: float

    @classmethod
    def from_row(cls, row: object) -> "Orders | None":
        if not isinstance(row, dict):
            return None
        ab, ba = fields.probability(row, "ab"), fields.probability(row, "ba")
        return None if ab is None or ba is None else cls(ab, ba)


@dataclass(frozen=True)
class Label:
    """One annotator's verdict on a pair; a judge's label is also called a judgement.

    `p_a` in [0, 1] is P(response_a is better), None where the verdict is bad, skip or failed.
    `votes` has it by principle; `not_applicable` has those that had no vote, with P(does not apply).
    `panel` holds what each judge said where several judged.
    """

    pair: Pair
    verdict: Verdict | None
    p_a: float | None
    kind: AnnotatorKind = "judge"
    annotator: str = ""
    p_raw: float | None = None
    orders: Orders | None = None
    offset: float | None = None
    flipped: bool | None = None
    inconsistent: bool | None = None
    mass: float | None = None
    votes: Mapping[str, float] = field(default_factory=dict)
    not_applicable: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    principles: str = ""
    template: str = ""
    constitution: ConstitutionRef | None = None
    seed: int | None = None
    rationale: str = ""
    error: str = ""
    review: Review | None = None
    panel: tuple[Ballot, ...] = ()
    extra: Row = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The pair's id: one row an id in a labels file."""
        return self.pair.id

    @property
    def disagreement(self) -> float | None:
        """Of a panel's judges, see `ballots.disagreement`; None for a single one."""
        return disagreement(self.panel)

    @classmethod
    def from_row(cls, row: object) -> Self:
        row = fields.as_object(row)
        review = Review.from_row(row.get("review"))
        known = {*_LABEL_FIELDS, "id", "prompt", "response_a", "response_b", "label"}
        return cls(
            pair=_bare(Pair.from_row({k: v for k, v in row.items() if k in _PAIR_FIELDS})),
            verdict=fields.choice(row, "verdict", VERDICTS),
            p_a=fields.probability(row, "p_a"),
            kind=fields.choice(row, "kind", ("judge", "person", "rule"))
            or ("person" if review and row.get("label") is None else "judge"),
            annotator=str(row.get("judge") or row.get("annotator") or ""),
            p_raw=fields.probability(row, "p_raw"),
            orders=Orders.from_row(row.get("orders")),
            offset=fields.number(row, "offset"),
            flipped=row.get("flipped"),
            inconsistent=row.get("inconsistent"),
            mass=fields.number(row, "mass"),
            votes=_by_principle(row, "votes"),
            not_applicable=_by_principle(row, "not_applicable"),
            method=str(row.get("method") or ""),
            principles=str(row.get("principles") or ""),
            template=str(row.get("template") or ""),
            constitution=ConstitutionRef.from_row(row.get("constitution")),
            seed=row.get("seed"),
            rationale=str(row.get("rationale") or ""),
            error=str(row.get("error") or ""),
            review=review,
            panel=tuple(map(Ballot.from_row, row.get("panel") or ())),
            extra=fields.extra(row, known),
        )

    def to_row(self) -> Row:
        row = self.pair.to_row()
        row |= {"verdict": self.verdict, "p_a": self.p_a, "p_raw": self.p_raw}
        row["orders"] = vars(self.orders).copy() if self.orders else None
        row |= {"offset": self.offset, "flipped": self.flipped, "inconsistent": self.inconsistent}
        row |= {"mass": self.mass, "votes": dict(self.votes), "method": self.method}
        row |= {"principles": self.principles, "template": self.template, "judge": self.annotator}
        row["constitution"] = self.constitution.to_row() if self.constitution else None
        row |= {"seed": self.seed, "kind": self.kind}
        if self.not_applicable:
            row["not_applicable"] = dict(self.not_applicable)
        if self.rationale:
            row["rationale"] = self.rationale
        if self.error:
            row["error"] = self.error
        if self.review:
            row["review"] = self.review.to_row()
        if self.panel:
            row["panel"] = [ballot.to_row() for ballot in self.panel]
            row["disagreement"] = self.disagreement
        return row | self.extra


def undone(row: Row) -> bool:
    """Whether a row is an exported event that was taken back: it says nothing."""
    event = row.get(EVENT)
    return isinstance(event, dict) and bool(event.get("undone"))


def _bare(pair: Pair) -> Pair:
    return replace(pair, extra={}) if pair.extra else pair


def _by_principle(row: Row, column: str) -> dict[str, float]:
    found = row.get(column) or {}
    if not isinstance(found, dict):
        raise DataError(f"'{column}' must be a mapping of principle to probability", column=column)
    for key, value in found.items():
        if type(value) is not float or not 0 <= value <= 1:
            fields.probability(found, key)
    return cast(dict[str, float], found)


_PAIR_FIELDS = {"id", "prompt", "response_a", "response_b", "chosen", "rejected", "label", "error"}
_LABEL_FIELDS = {
    *("verdict", "p_a", "kind", "judge", "annotator", "p_raw", "orders", "offset", "flipped"),
    *("inconsistent", "mass", "votes", "method", "principles", "template", "constitution"),
    *("seed", "rationale", "error", "review", "not_applicable", "panel", "disagreement"),
}
