"""A certificate as one self-contained page of HTML, to print or to send."""

import math
from collections.abc import Sequence

from cai_core.evaluate.sheet import escaped, page, table
from cai_core.review.certificate import Certificate, Stratum
from cai_core.stats import Estimate


def sheet(found: Certificate, population: str, notes: Sequence[str] = ()) -> str:
    """The whole page; `population` says in words which labels it is about, `notes` how to read it."""
    title = "How often the labels agree with people"
    body = [
        f"<h1>{title}</h1>",
        f"<p>Of {escaped(population)}.</p>",
        f"<p class=big>{percent(found.estimate)}</p>",
        _bar(found),
        f"<p>{escaped(found.words())}</p>",
        *(f"<p class=soft>{escaped(_plain(note))}</p>" for note in notes),
        _ceiling(found.human_human),
        _strata(found.strata),
        f"<p class=soft>Dated {escaped(found.date or '–')}; hash of all that it was computed from:"
        f" {escaped(found.hash or '–')}.</p>",
    ]
    return page(title, body)


def percent(value: float) -> str:
    """
    >>> percent(0.7345), percent(float("nan"))
    ('73.5%', '–')
    """
    return f"{value:.1%}" if math.isfinite(value) else "–"


def _plain(note: str) -> str:
    """Without the icon that begins a note on the screen, and the marks of bold words."""
    return note.partition(": ")[2].replace("**", "") if note.startswith(":material/") else note


def _bar(found: Certificate) -> str:
    """The interval on the way from 0 to 100%."""
    if not math.isfinite(found.low):
        return ""
    left, width = 100 * found.low, 100 * (found.high - found.low)
    return (
        f'<div class=bar role=img aria-label="from {percent(found.low)} to {percent(found.high)}">'
        f"<u></u><i style='left:{left:.2f}%;width:{width:.2f}%'></i>"
        f"<b style='left:{100 * found.estimate:.2f}%'></b></div>"
    )


def _ceiling(between: Estimate) -> str:
    if not between.n:
        return "<p>How often two people agree is not known: no pair was read blind by two.</p>"
    return (
        f"<p>Two people agree on {percent(between.value)} of the pairs that both read blind (95%"
        f" interval {percent(between.low)} to {percent(between.high)}, n = {between.n:,}): labels can"
        " hardly do better.</p>"
    )


def _strata(strata: Sequence[Stratum]) -> str:
    rows = [
        (
            f"{percent(one.low)} to {percent(one.high)}",
            f"{one.size:,}",
            f"{one.estimate.n:,}",
            percent(one.estimate.value),
            f"{percent(one.estimate.low)} to {percent(one.estimate.high)}",
        )
        for one in strata
    ]
    head = ("How sure the label is", "Labels", "Reviewed", "Agree", "95% interval")
    return "<h2>By how sure the labels are</h2>" + table(head, rows) if rows else ""
