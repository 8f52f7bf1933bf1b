"""An edit against people's verdicts: pairs to tune on, and locked pairs that are looked at rarely.

Whoever compares many drafts on the same pairs ends with the one that fits those pairs by luck. So
half of the reviewed prompts, by hash, are locked: their result is for versions that have a name.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cai_core.impact.outcome import Judged
from cai_core.schema import Row
from cai_core.stats import Estimate, wilson
from cai_core.text import normalise

Part = Literal["tune", "locked"]


def part_of(first_user_turn: str) -> Part:
    """By a hash of the normalised prompt, half and half; another hash than that of the splits.

    >>> part_of("How do I make tea?") == part_of("how do i make TEA")
    True
    """
    digest = hashlib.sha256(f"locked {normalise(first_user_turn)}".encode()).digest()
    return "locked" if digest[0] % 2 else "tune"


def pair_part(one: Judged) -> Part:
    first = next((turn.content for turn in one.pair.prompt if turn.role == "user"), "")
    return part_of(first)


@dataclass(frozen=True)
class Against:
    """Agreement with people before and after, on the pairs that have a side in both and from people.

    `gained` pairs were judged wrong and are right now, `lost` the other way round; `p` is McNemar's
    exact two-sided P(so uneven, if neither is likelier), 1 where nothing changed.
    """

    before: Estimate
    after: Estimate
    gained: int
    lost: int
    p: float

    def to_row(self) -> Row:
        row: Row = {"before": vars(self.before).copy(), "after": vars(self.after).copy()}
        return row | {"gained": self.gained, "lost": self.lost, "p": self.p}


def against(pairs: Sequence[Judged]) -> Against:
    """Both versions beside people's verdicts (`pair.label`); ties of either side are left out."""
    rights = [
        (one.verdicts[0] == one.pair.label, one.verdicts[1] == one.pair.label)
        for one in pairs
        if {one.pair.label, *one.verdicts} <= {"a", "b"}
    ]
    gained = sum(new and not old for old, new in rights)
    lost = sum(old and not new for old, new in rights)
    n = len(rights)
    before, after = wilson(sum(r[0] for r in rights), n), wilson(sum(r[1] for r in rights), n)
    return Against(before, after, gained, lost, mcnemar(gained, lost))


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
    return [one for one in pairs if pair_part(one) == part]


def without_locked(one: Judged) -> Judged:
    """The same without a person's verdict where the pair is locked: so none shows by accident."""
    if one.pair.label is None or pair_part(one) == "tune":
        return one
    return replace(one, pair=replace(one.pair, label=None))
