"""Several judges on one pair: what each said, how far they disagree, and the name of them all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from cai_core.schema import fields
from cai_core.schema.fields import Row
from cai_core.schema.pairs import VERDICTS, Verdict

Combine = Literal["majority", "mean"]

_PANEL = "panel:"
_AND = " + "


@dataclass(frozen=True)
class Ballot:
    """What one judge of a panel said of a pair; without a verdict, `error` says why."""

    judge: str
    verdict: Verdict | None
    p_a: float | None
    offset: float | None = None
    flipped: bool | None = None
    mass: float | None = None
    error: str = ""

    @classmethod
    def from_row(cls, row: object) -> "Ballot":
        row = fields.as_object(row)
        return cls(
            judge=fields.text(row, "judge"),
            verdict=fields.choice(row, "verdict", VERDICTS),
            p_a=fields.probability(row, "p_a"),
            offset=fields.number(row, "offset"),
            flipped=row.get("flipped"),
            mass=fields.number(row, "mass"),
            error=str(row.get("error") or ""),
        )

    def to_row(self) -> Row:
        row = dict(vars(self))
        if not self.error:
            del row["error"]
        return row

    def turned(self) -> "Ballot":
        """The same with the two answers in the other order; the offset stays."""
        verdict: Verdict | None = self.verdict
        if verdict in ("a", "b"):
            verdict = "b" if verdict == "a" else "a"
        return replace(self, verdict=verdict, p_a=None if self.p_a is None else 1 - self.p_a)


def disagreement(ballots: Sequence[Ballot]) -> float | None:
    """The share of pairs of judges whose verdicts differ: 0 where all say the same, at most 1.

    None where fewer than two gave a verdict. A tie differs from a side.

    >>> disagreement([Ballot("x", "a", 0.9), Ballot("y", "a", 0.6), Ballot("z", "b", 0.2)])
    0.6666666666666666
    """
    said = [ballot.verdict for ballot in ballots if ballot.verdict is not None]
    if len(said) < 2:
        return None
    pairs = list(combinations(said, 2))
    return sum(one != other for one, other in pairs) / len(pairs)


def panel_id(judges: Iterable[str], combine: Combine) -> str:
    """The annotator of a panel's labels: one id, in whatever order its judges were named.

    >>> panel_id(["endpoint:lab/y", "hf:x/z"], "majority")
    'panel:majority:endpoint:lab/y + hf:x/z'
    """
    return f"{_PANEL}{combine}:{_AND.join(sorted(judges))}"


def judges_of(annotator: str) -> tuple[str, ...]:
    """The judges behind an annotator: those of a panel, else itself.

    >>> judges_of("panel:mean:hf:x/y + hf:x/z"), judges_of("hf:x/y")
    (('hf:x/y', 'hf:x/z'), ('hf:x/y',))
    """
    if not annotator.startswith(_PANEL):
        return (annotator,)
    return tuple(annotator.removeprefix(_PANEL).partition(":")[2].split(_AND))
