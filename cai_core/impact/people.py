"""An edit against people's verdicts: pairs to tune on, and locked pairs that are looked at rarely.

Whoever compares many drafts on the same pairs ends with the one that fits those pairs by luck. So
half of the reviewed prompts, by hash, are locked: their result is for versions that have a name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

from cai_core.impact.outcome import Judged
from cai_core.schema import Pair, Row, first_user_turn
from cai_core.stats import Estimate, cluster_means, clustered_share
from cai_core.text import in_locked_half

Part = Literal["tune", "locked"]


def part_of(first_user_turn: str) -> Part:
    """By a hash of the normalised prompt, half and half, see `text.in_locked_half`.

    >>> part_of("How do I make tea?") == part_of("how do i make TEA")
    True
    """
    return "locked" if in_locked_half(first_user_turn) else "tune"


def is_locked(pair: Pair) -> bool:
    return in_locked_half(first_user_turn(pair.prompt))


@dataclass(frozen=True)
class Against:
    """Agreement with people before and after, on the pairs that have a side in both and from people.

    Pairs of one prompt are one draw. `gained` prompts are judged right more often than before, `lost`
    less often; `p` is McNemar's exact two-sided P(so uneven, if neither is likelier), 1 where nothing
    changed. The n of both estimates counts prompts.
    """

    before: Estimate
    after: Estimate
    gained: int
    lost: int
    p: float

    def to_row(self) -> Row:
        row: Row = {"before": self.before.to_row(), "after": self.after.to_row()}
        return row | {"gained": self.gained, "lost": self.lost, "p": self.p}

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """Read what `to_row` wrote."""
        shares = {name: Estimate.from_row(row[name]) for name in ("before", "after")}
        return cls(**{**row, **shares})


def against(pairs: Sequence[Judged]) -> Against:
    """Both versions beside people's verdicts (`pair.label`); ties of either side are left out."""
    told = [one for one in pairs if {one.pair.label, *one.verdicts} <= {"a", "b"}]
    prompts = [one.prompt_id for one in told]
    before, after = (
        [float(one.verdicts[place] == one.pair.label) for one in told] for place in (0, 1)
    )
    moved = cluster_means([new - old for old, new in zip(before, after, strict=True)], prompts)
    gained, lost = sum(mean > 0 for mean in moved), sum(mean < 0 for mean in moved)
    old, new = (clustered_share(values, prompts) for values in (before, after))
    return Against(old, new, gained, lost, mcnemar(gained, lost))


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided P of McNemar's test (1947): binomial on the pairs that changed.

    >>> round(mcnemar(9, 1), 4), mcnemar(0, 0)
    (0.0215, 1.0)
    """
    if not gained + lost:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost, 0.5).pvalue)


def by_part(pairs: Sequence[Judged], part: Part) -> list[Judged]:
    return [one for one in pairs if is_locked(one.pair) == (part == "locked")]


def without_locked(one: Judged) -> Judged:
    """The same without a person's verdict where the pair is locked: so none shows by accident."""
    if one.pair.label is None or not is_locked(one.pair):
        return one
    return replace(one, pair=replace(one.pair, label=None))
