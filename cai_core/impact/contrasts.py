"""What both versions made of the same answers, in numbers: refusals, length, what did not change.

Intervals treat the rows of one prompt as one draw. A share has Wilson's, so that 0 of 8 is no
certainty; a difference of shares that of Bonett and Price (2012), for the same reason.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cai_core.impact.people import mcnemar
from cai_core.impact.rewrite import Rewrite
from cai_core.schema import Round
from cai_core.stats import (
    NOTHING,
    Estimate,
    cluster_means,
    clustered,
    clustered_mean,
    clustered_share,
)
from cai_core.text import is_looping, is_refusal, similarity

REFUSES, UNCHANGED, LOOPS, WORDS = "refuses", "unchanged", "loops", "words"
TITLES = {
    REFUSES: "refuse",
    UNCHANGED: "stay unchanged",
    LOOPS: "go round in circles",
    WORDS: "words",
}


@dataclass(frozen=True)
class Contrast:
    """One measure: of the first answers, the old and the new revisions, and new less old.

    Each n counts prompts. `gained` prompts have more of it after the edit, `lost` fewer; `p` is
    McNemar's exact two-sided P(so uneven, if neither is likelier); nan for `words`, no share.
    """

    name: str
    first: Estimate
    old: Estimate
    new: Estimate
    difference: Estimate
    gained: int
    lost: int
    p: float

    @property
    def is_share(self) -> bool:
        return self.name != WORDS


def contrasts(rewrites: Sequence[Rewrite]) -> tuple[Contrast, ...]:
    """All of them, over the rows with both revisions."""
    rows = [one for one in rewrites if one.revisions]
    return (
        _shares(REFUSES, rows, lambda made, first: is_refusal(made.revision), is_refusal),
        _shares(UNCHANGED, rows, _flaw("unchanged"), None),
        _shares(LOOPS, rows, _flaw("looping"), is_looping),
        _lengths(rows),
    )


def mean_similarity(rewrites: Sequence[Rewrite]) -> Estimate:
    """Of the two revisions of a row: the share of words that they have in common, in order."""
    rows = [one for one in rewrites if one.revisions]
    found = clustered_mean([likeness(one) for one in rows], [one.prompt_id for one in rows])
    return _within(found, 0.0, 1.0)


def likeness(one: Rewrite) -> float:
    """1 where both revisions say the same in the same words; nan where one is missing."""
    return similarity(*one.revisions) if one.revisions else math.nan


def _flaw(mark: str) -> Callable[[Round, str], bool]:
    return lambda made, first: mark in made.flaws(first)


def _shares(
    name: str,
    rows: Sequence[Rewrite],
    has: Callable[[Round, str], bool],
    first_has: Callable[[str], bool] | None,
) -> Contrast:
    before = [float(bool(one.old and has(one.old, one.initial))) for one in rows]
    after = [float(bool(one.new and has(one.new, one.initial))) for one in rows]
    prompts = [one.prompt_id for one in rows]
    moved = cluster_means([new - old for old, new in zip(before, after, strict=True)], prompts)
    gained, lost = sum(mean > 0 for mean in moved), sum(mean < 0 for mean in moved)
    first = (
        clustered_share([float(first_has(one.initial)) for one in rows], prompts)
        if first_has
        else NOTHING
    )
    return Contrast(
        name,
        first,
        clustered_share(before, prompts),
        clustered_share(after, prompts),
        share_difference(moved),
        gained,
        lost,
        mcnemar(gained, lost),
    )


def _lengths(rows: Sequence[Rewrite]) -> Contrast:
    prompts = [one.prompt_id for one in rows]
    first = [float(len(one.initial.split())) for one in rows]
    counts = [[float(len(text.split())) for text in one.revisions or ()] for one in rows]
    old, new = [both[0] for both in counts], [both[1] for both in counts]
    longer = [after - before for before, after in zip(old, new, strict=True)]
    moved = cluster_means(longer, prompts)
    return Contrast(
        WORDS,
        clustered_mean(first, prompts),
        clustered_mean(old, prompts),
        clustered_mean(new, prompts),
        clustered_mean(longer, prompts),
        gained=sum(mean > 0 for mean in moved),
        lost=sum(mean < 0 for mean in moved),
        p=math.nan,
    )


def share_difference(moved: Sequence[float]) -> Estimate:
    """The mean of paired differences of a share, one a prompt, each in [-1, 1].

    The interval is that of Bonett and Price (2012, "Adjusted Wald confidence interval for a difference
    of binomial proportions based on paired data"): one prompt more is counted on either side, so that
    no change at all is no certainty. It is widened where needed to hold the mean.

    >>> share_difference([0.0] * 8).high > 0.2
    True
    """
    if not moved:
        return NOTHING
    mean = sum(moved) / len(moved)
    adjusted = clustered([*moved, 1.0, -1.0], range(len(moved) + 2)).interval()
    low, high = min(adjusted.low, mean), max(adjusted.high, mean)
    return _within(Estimate(mean, low, high, len(moved)), -1.0, 1.0)


def _within(found: Estimate, least: float, most: float) -> Estimate:
    return Estimate(found.value, max(least, found.low), min(most, found.high), found.n)
