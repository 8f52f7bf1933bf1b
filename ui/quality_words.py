"""Numbers and notes that the quality page's tabs share."""

import math

from cai_core.stats import Estimate
from ui import cards


def nothing_reviewed() -> None:
    """What a tab says that needs reviews and has none."""
    cards.empty(
        "No pair of these was read blind yet",
        "Twenty blind verdicts take five minutes and begin to say how right the labels are.",
        page="review",
        label="Review pairs",
    )


def begun(words: str) -> str:
    """Words as a sentence begins; names in it stay as they are.

    >>> begun("taught by Ada")
    'Taught by Ada'
    """
    return words[:1].upper() + words[1:]


def share_text(one: Estimate) -> str:
    """A share with its interval in percent, for a cell.

    >>> share_text(Estimate(0.5, 0.25, 0.75, 9)), share_text(Estimate(math.nan, math.nan, math.nan, 0))
    ('50% (25 to 75), n = 9', '–, n = 0')
    """
    if not math.isfinite(one.value):
        return f"–, n = {one.n:,}"
    ends = f"{100 * one.low:.0f} to {100 * one.high:.0f}" if math.isfinite(one.low) else "–"
    return f"{one.value:.0%} ({ends}), n = {one.n:,}"


def signed_text(one: Estimate, *, digits: int = 2) -> str:
    """A difference with its interval, for a cell.

    >>> signed_text(Estimate(0.5, -0.25, 1.25, 9))
    '+0.50 (-0.25 to +1.25), n = 9'
    """
    if not math.isfinite(one.value):
        return f"–, n = {one.n:,}"
    finite = math.isfinite(one.low)
    ends = f"{one.low:+.{digits}f} to {one.high:+.{digits}f}" if finite else "–"
    return f"{one.value:+.{digits}f} ({ends}), n = {one.n:,}"
