"""The report of what an edit does to revisions: one self-contained page of HTML."""

from collections.abc import Sequence

from cai_core.evaluate.sheet import escaped, page, table, text
from cai_core.evaluate.winrate import WinRate
from cai_core.impact.blind import FAILED
from cai_core.impact.contrasts import TITLES, Contrast, likeness
from cai_core.impact.report import name_of
from cai_core.impact.rewrite import Rewrite
from cai_core.impact.rewrites_result import ASKS, RewriteImpact
from cai_core.schema import Round
from cai_core.stats import Estimate
from cai_core.text import DiffPart, is_refusal, joined, word_diff

SHOWN = 12  # prompts shown in full; all of them stand in the JSON
_ADDED, _REMOVED = "background:rgba(46,140,80,.24)", "background:rgba(200,70,50,.20)"


def to_html(found: RewriteImpact) -> str:
    """The whole page."""
    title = f"Revisions from {name_of(found.old)} to {name_of(found.new)}"
    body = [
        f"<h1>{escaped(title)}</h1>",
        _headline(found),
        _edit(found),
        _numbers(found),
        _judged(found),
        _rows(found),
        _made_by(found),
    ]
    return page(title, body)


def shown(estimate: Estimate, *, share: bool, signed: bool = False) -> str:
    """An estimate with its interval and n; a dash where it is undefined.

    >>> shown(Estimate(0.25, 0.1, 0.5, 8), share=True)
    '25% (10% to 50%, n = 8)'
    >>> shown(Estimate(-3.0, -9.5, 3.5, 8), share=False, signed=True)
    '-3.0 (-9.5 to +3.5, n = 8)'
    """
    if estimate.value != estimate.value:
        return "–"
    form = ("{:+" if signed else "{:") + (".0%}" if share else ".1f}")
    value, low, high = (form.format(x) for x in (estimate.value, estimate.low, estimate.high))
    ends = "no interval" if estimate.low != estimate.low else f"{low} to {high}"
    return f"{value} ({ends}, n = {estimate.n})"


def difference_words(one: Contrast) -> str:
    """New less old; of shares in percentage points.

    >>> from cai_core.stats import NOTHING
    >>> some = Estimate(0.25, 0.0, 0.5, 8)
    >>> difference_words(Contrast("refuses", NOTHING, some, some, some, 2, 0, 0.5))
    '+25 pts (+0 to +50, n = 8)'
    """
    if not one.is_share:
        return shown(one.difference, share=False, signed=True)
    found = one.difference
    if found.value != found.value:
        return "–"
    value, low, high = (f"{100 * x:+.0f}" for x in (found.value, found.low, found.high))
    return f"{value} pts ({low} to {high}, n = {found.n})"


def p_words(one: Contrast) -> str:
    """McNemar's test, and how many prompts have more and less of it; a dash where there is none."""
    if one.p != one.p:
        return "–"
    p = "<0.01" if one.p < 0.01 else f"{one.p:.2f}"
    return f"{p} (+{one.gained}, -{one.lost})"


def counts_words(rate: WinRate) -> str:
    """What a win rate is made of."""
    return f"wins {rate.wins}, ties {rate.ties}, losses {rate.losses}, failed {rate.failed}"


def _headline(found: RewriteImpact) -> str:
    said = f"{len(found.rows)} first answers, each revised under both versions: "
    said += f"{found.requested.sentence}."
    failed = f" {found.failed} prompts have no revision." if found.failed else ""
    return f"<p>{escaped(said)}{failed}</p>"


def _edit(found: RewriteImpact) -> str:
    rows = [
        (escaped(one.key), one.kind, text(one.old or "–"), text(one.new or "–"))
        for one in found.touched
    ]
    if not rows:
        return ""
    return "<h2>The edit, as it is sent</h2>" + table(
        ("Principle", "What", "Before", "After"), rows
    )


def _numbers(found: RewriteImpact) -> str:
    rows = [
        (
            escaped(TITLES[one.name]),
            shown(one.first, share=one.is_share),
            shown(one.old, share=one.is_share),
            shown(one.new, share=one.is_share),
            difference_words(one),
            p_words(one),
        )
        for one in found.contrasts
    ]
    head = ("Answers that", "First", "Revised before", "Revised after", "Difference", "McNemar's p")
    alike = shown(found.similarity, share=True)
    return (
        "<h2>What changed</h2>"
        + table(head, rows)
        + f"<p>The two revisions have {alike} of their words in common, in order.</p>"
        + "<p class=soft>95% intervals by prompt, not corrected for the number of rows. Two revisions"
        " differ by chance too: only a difference whose interval leaves out 0 tells of the edit.</p>"
    )


def _judged(found: RewriteImpact) -> str:
    if found.jury is None:
        return ""
    rows = []
    for name, rate in found.win_rates.items():
        share = shown(rate.estimate, share=True) if found.jury.headline else "–"
        rows.append((escaped(ASKS[name]), share, counts_words(rate)))
    out = ", ".join(f"{n} {escaped(reason)}" for reason, n in found.left_out.items())
    head = ("Judged blind, at equal length, in both orders", "The new revision wins", "Counts")
    return (
        "<h2>Old against new revision</h2>"
        + table(head, rows)
        + f"<p class=soft>{escaped(found.jury.independence.reason)} Not judged: {out or 'none'}.</p>"
    )


def _rows(found: RewriteImpact) -> str:
    told = most_changed(found.rows)
    rows = [_row(one) for one in told[:SHOWN]]
    more = f"<p class=soft>{len(told) - SHOWN} more in the JSON.</p>" if len(told) > SHOWN else ""
    head = ("Prompt and first answer", "Revised before", "Revised after, against before")
    return f"<h2>Answers, the most changed first</h2>{table(head, rows)}{more}"


def most_changed(rows: Sequence[Rewrite]) -> list[Rewrite]:
    """Those with both revisions: one of which alone refuses first, then the least alike."""
    told = [one for one in rows if one.revisions]
    return sorted(told, key=lambda one: (not refusal_turned(one), likeness(one)))


def refusal_turned(one: Rewrite) -> bool:
    """Whether exactly one of the two revisions refuses."""
    return one.revisions is not None and len({is_refusal(text) for text in one.revisions}) == 2


def _row(one: Rewrite) -> Sequence[str]:
    old, new = one.revisions or ("", "")
    asked = text(one.prompt[-1].content, most=300) + "<p class=soft>First answer</p>"
    return (asked + text(one.initial, most=400), _trail(one.old) + text(old), _diff(old, new))


def _trail(made: Round | None) -> str:
    return f"<p class=soft>{escaped(made.principle)}</p>" if made else ""


def _diff(old: str, new: str) -> str:
    return f"<div class=text>{''.join(map(_part, joined(word_diff(old, new))))}</div>"


def _part(part: DiffPart) -> str:
    if part.op == "same":
        return escaped(part.text)
    tag, style = ("ins", _ADDED) if part.op == "added" else ("del", _REMOVED)
    return f'<{tag} style="{style};text-decoration:none">{escaped(part.text)}</{tag}>'


def _made_by(found: RewriteImpact) -> str:
    jury = found.jury
    rows = [
        ("Revised by", escaped(found.model)),
        ("Sampling", escaped(", ".join(f"{k} {v}" for k, v in found.sampling.items()))),
        ("First answers given", f"{found.given} of {len(found.rows)}"),
        ("Without both revisions", str(found.left_out.get(FAILED, found.failed))),
        ("Judge", escaped(jury.setting["model"]) if jury else "nobody"),
        (
            "Method, principles, template",
            escaped(f"{jury.setting['method']}, {jury.setting['principles']}, {jury.template}")
            if jury
            else "–",
        ),
        ("Seed", str(found.seed)),
        ("Seconds, in the last attempt", f"{found.seconds:.0f}"),
        ("From", escaped(name_of(found.old))),
        ("To", escaped(name_of(found.new))),
    ]
    return "<h2>Made with</h2>" + table(("What", "Value"), rows)
