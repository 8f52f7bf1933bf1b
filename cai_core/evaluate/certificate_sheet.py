"""A certificate as one self-contained page of HTML, to be printed."""

from cai_core.evaluate.sheet import escaped, page, table
from cai_core.review.certificate import Certificate, Stratum
from cai_core.review.gate import Gate
from cai_core.stats import Estimate

_REASONS = {
    "bad": "said that both answers are bad",
    "skip": "skipped",
    "sighted": "given with the judge's label in sight",
    "not the first": "a second verdict of the same person",
    "narrow queue": "came up by a filter, a search or a disagreement",
    "not judged": "on pairs without a judgement",
}


def to_html(made: Certificate, *, of: str, gate: Gate | None = None, needed: str = "") -> str:
    """The whole page.

    Args:
        of: what was certified, for example the name of a file or a dataset. needed: a sentence on
            how many reviews a width takes.
    """
    title = f"Certificate of the labels of {of}"
    body = [
        f"<h1>{escaped(title)}</h1>",
        f"<p class=big>{escaped(_share(made))}</p>{_bar(made)}<p>{escaped(made.words())}</p>",
        _gate(gate) if gate else "",
        f"<p>{escaped(needed)}</p>" if needed else "",
        "<h2>By confidence of the label</h2>",
        table(("Confidence", "Pairs", "Right", "Part of the uncertainty"), map(_row, made.strata)),
        _beside(made),
        _reading(made),
        f"<p class=soft>{escaped(_made(made))}</p>",
    ]
    return page(title, body)


def _share(made: Certificate) -> str:
    return "–" if not made.n else f"{made.estimate:.1%} ({made.low:.1%} to {made.high:.1%})"


def _bar(made: Certificate) -> str:
    if not made.n:
        return ""
    ends = f"left:{100 * made.low:.1f}%;width:{100 * made.width:.1f}%"
    return f"<div class=bar><u></u><i style='{ends}'></i><b style='left:{100 * made.estimate:.1f}%'></b></div>"


def _row(one: Stratum) -> tuple[str, ...]:
    known = one.low == one.low
    confidence = f"{one.low:.1%} to {one.high:.1%}" if known else "none"
    return (confidence, f"{one.size:,}", percent(one.estimate), f"{one.share_of_width:.0%}")


def percent(one: Estimate) -> str:
    """
    >>> percent(Estimate(0.5, 0.25, 0.75, 12)), percent(Estimate(float("nan"), 0, 0, 0))
    ('50% (25% to 75%, n = 12)', '–')
    """
    if one.value != one.value:
        return "–"
    return f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%}, n = {one.n:,})"


def _gate(gate: Gate) -> str:
    if gate.passed:
        said = f"<b class=good>Surely above {gate.bar:.0%}</b>, since {gate.at:,} reviews."
    else:
        said = (
            f"<b class=bad>Not yet surely above {gate.bar:.0%}</b>: the bound is {gate.bound:.1%}."
        )
    return f"<h2>The gate</h2><p>{said} This holds however often one looked.</p>"


def _beside(made: Certificate) -> str:
    rows = [
        ("Reviewed pairs", f"{made.n:,}"),
        ("worth even draws", f"{made.effective:,.0f}" if made.effective < 1e9 else "–"),
        ("Ties among the verdicts", f"{made.ties:,}"),
        ("Labels that are a person's own", f"{made.known:,}"),
        ("Two people agree on", percent(made.human_human)),
    ]
    rows += [
        (f"Left out: {_REASONS.get(reason, reason)}", f"{count:,}")
        for reason, count in sorted(made.left_out.items())
    ]
    return "<h2>Beside it</h2>" + table(("What", "How many"), [(escaped(a), b) for a, b in rows])


def _reading(made: Certificate) -> str:
    said = (
        "Right means: the label agrees with a person's first verdict, given without seeing the label; a"
        " tie against a side is half right. The interval holds the share of all these labels in 95 of 100"
        " such certificates. It speaks of these labels and these people, not of what is true."
    )
    if made.assumes_random:
        said += (
            " How likely each reviewed row was to come up was not recorded: the certificate takes them"
            " for a random sample, and is wrong if they were chosen."
        )
    return f"<h2>How to read it</h2><p>{escaped(said)}</p>"


def _made(made: Certificate) -> str:
    return " ".join(filter(None, (made.date, f"computed from {made.hash}" if made.hash else "")))
