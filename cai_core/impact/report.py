"""The report of an edit's impact: one self-contained page of HTML."""

from collections.abc import Sequence

from cai_core.evaluate.sheet import escaped, page, table, text
from cai_core.impact.directions import DIRECTIONS
from cai_core.impact.effect import Effect
from cai_core.impact.outcome import Judged
from cai_core.impact.people import Against
from cai_core.impact.result import Impact, against_person, verdict_sentence
from cai_core.impact.shifts import Shift
from cai_core.schema import ConstitutionRef
from cai_core.stats import Estimate

FLIPS = 12  # shown in full; all of them stand in the JSON


def to_html(impact: Impact) -> str:
    """The whole page."""
    title = f"What changed from {name_of(impact.old)} to {name_of(impact.new)}"
    body = [
        f"<h1>{escaped(title)}</h1>",
        _verdict(impact),
        _edit(impact),
        _shifts(impact),
        _checks(impact.checked),
        _people("The tune half", impact.tune),
        _people("The locked half", impact.locked) if impact.locked else "",
        _flips(impact),
        _made_by(impact),
    ]
    return page(title, body)


def name_of(ref: ConstitutionRef) -> str:
    return f"{ref.name} {f'version {ref.version}' if ref.version else ref.hash}"


def number(estimate: Estimate) -> str:
    """An estimate in log-odds with its interval and n; a dash where it is undefined.

    Small ones have more digits: one of many principles moves little.

    >>> number(Estimate(0.5, -0.25, 1.25, 7)), number(Estimate(0.002, -0.001, 0.005, 40))
    ('+0.50 (-0.25 to +1.25, n = 7)', '+0.0020 (-0.0010 to +0.0050, n = 40)')
    """
    if estimate.value != estimate.value:
        return "–"
    told = [abs(end) for end in (estimate.value, estimate.low, estimate.high) if end == end]
    digits = 2 if max(told) >= 0.1 else 3 if max(told) >= 0.01 else 4
    low, high = f"{estimate.low:+.{digits}f}", f"{estimate.high:+.{digits}f}"
    ends = "–" if estimate.low != estimate.low else f"{low} to {high}"
    return f"{estimate.value:+.{digits}f} ({ends}, n = {estimate.n})"


def named(shift: Shift) -> str:
    """What a row of the table is about."""
    if not shift.what:
        return "all principles together"
    return f"tag {shift.what}" if shift.kind == "tag" else shift.what


def small(value: float) -> str:
    """
    >>> small(0.25), small(-0.0123), small(float("nan"))
    ('+0.25', '-0.0123', '–')
    """
    if value != value:
        return "–"
    return f"{value:+.2f}" if abs(value) >= 0.1 else f"{value:+.4f}"


def _verdict(impact: Impact) -> str:
    kind = "good" if impact.checked and impact.checked.effective else "soft"
    said = f"<p class=big><b class={kind}>{escaped(verdict_sentence(impact))}</b></p>"
    share = impact.flip_share
    flips = f"{len(impact.flips)} of {len(impact.pairs)} verdicts flip"
    if share.low == share.low:
        flips += f" ({share.low:.0%} to {share.high:.0%} of all such pairs, 95% interval by prompt)"
    failed = f"; {impact.failed} pairs have no verdict" if impact.failed else ""
    return f"{said}<p>{flips}{failed}.</p>"


def _edit(impact: Impact) -> str:
    rows = [
        (escaped(one.key), one.kind, text(one.old or "–"), text(one.new or "–"))
        for one in impact.touched
    ]
    return "<h2>The edit, as the judge is asked</h2>" + table(
        ("Principle", "What", "Before", "After"), rows
    )


def _shifts(impact: Impact) -> str:
    rows = [
        (
            escaped(named(shift)),
            escaped(DIRECTIONS[shift.direction]),
            number(shift.estimate),
            "–" if shift.q != shift.q else f"{shift.q:.3f}",
        )
        for shift in impact.table
    ]
    counts = [
        (escaped(DIRECTIONS[name]), str(one.towards), str(one.away), str(one.pairs))
        for name, one in impact.flip_counts.items()
    ]
    note = (
        "<p class=soft>Mean shift of logit P(A better), signed by direction, with intervals clustered"
        " by prompt and corrected for the number of rows (Benjamini, Hochberg and Yekutieli).</p>"
    )
    return (
        "<h2>Which way</h2>"
        + table(("Of", "Direction", "Shift in log-odds", "q"), rows)
        + note
        + table(("Flips", "towards", "away", "pairs with a direction"), counts)
    )


def _checks(checked: Effect | None) -> str:
    if checked is None:
        return ""
    rows = [
        (
            escaped(DIRECTIONS[name]),
            _yes(one.excludes_zero) + number(one.estimate),
            _yes(one.sign_holds) + ", ".join(small(value) for value in one.paraphrases),
            _yes(one.beyond_placebos) + f"p = {one.p_placebo:.2f}; 95% of placebos stay within"
            f" {small(one.placebo_bound)}",
        )
        for name, one in checked.directions.items()
    ]
    head = ("Direction", "Interval excludes 0", "Same sign in other words", "Beyond placebos")
    return f"<h2>Is it real?</h2>{table(head, rows)}<p class=soft>{checked.placebos} placebo edits.</p>"


def _yes(holds: bool) -> str:
    return "<b class=good>yes</b> · " if holds else "<b class=bad>no</b> · "


def _people(title: str, found: Against) -> str:
    if not found.before.n:
        return ""
    return (
        f"<h2>{title} of the pairs that people judged</h2><p>Agreement {found.before} before,"
        f" {found.after} after. {found.gained} became right, {found.lost} became wrong; McNemar's"
        f" exact test p = {found.p:.2f}.</p>"
    )


def _flips(impact: Impact) -> str:
    flips = impact.flips
    if not flips:
        return "<h2>Flips</h2><p>No verdict flips.</p>"
    rows = [_flip(one) for one in flips[:FLIPS]]
    more = f"<p class=soft>{len(flips) - FLIPS} more in the JSON.</p>" if len(flips) > FLIPS else ""
    head = ("Prompt", "A", "B", "P(A better)")
    return f"<h2>Flips, those against a person first</h2>{table(head, rows)}{more}"


def _flip(one: Judged) -> Sequence[str]:
    marks = []
    if against_person(one):
        marks.append("<b class=bad>against a person's verdict</b>")
    if one.meant:
        marks.append("the edited principle made the old verdict")
    said = f"{one.old:.2f} → {one.new:.2f}" + "".join(f"<div>{mark}</div>" for mark in marks)
    last = one.pair.prompt[-1].content if one.pair.prompt else ""
    return (text(last), text(one.pair.response_a), text(one.pair.response_b), said)


def _made_by(impact: Impact) -> str:
    cost = impact.cost
    rows = [
        ("Judge", escaped(impact.judge.get("model", ""))),
        (
            "Method and principles",
            escaped(f"{impact.judge['method']}, {impact.judge['principles']}"),
        ),
        ("Template", escaped(impact.template)),
        ("Seed", str(impact.seed)),
        ("Questions asked to compare", f"{cost.compared}; a full re-judge asks {cost.full}"),
        ("Questions asked to check", str(cost.checked)),
        ("From the cache, in the last attempt", str(cost.cached)),
        ("Seconds, in the last attempt", f"{cost.seconds:.0f}"),
        ("From", escaped(name_of(impact.old))),
        ("To", escaped(name_of(impact.new))),
    ]
    return "<h2>Made with</h2>" + table(("What", "Value"), rows)
