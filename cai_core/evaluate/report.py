"""The report of a chain: one self-contained page of HTML for the morning after.

Every text that a model or a person wrote is escaped. No script, no link, no image from elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cai_core.evaluate.sheet import escaped, page, table, text
from cai_core.schema import Row


@dataclass(frozen=True)
class StageReport:
    """One stage: its state, how long it took, and its numbers by name."""

    name: str
    state: str
    seconds: float
    numbers: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class ChainReport:
    """What a chain did. `comparisons` are Comparison rows; `best_of_n` is a Preview row."""

    title: str
    created: str
    stages: Sequence[StageReport]
    gate: str
    gate_passed: bool
    comparisons: Sequence[Row] = ()
    best_of_n: Row | None = None
    alarms: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_row(self) -> Row:
        stages = [vars(stage) | {"numbers": dict(stage.numbers)} for stage in self.stages]
        return vars(self) | {"stages": stages, "settings": dict(self.settings)}


def to_html(report: ChainReport) -> str:
    """The whole page."""
    body = [
        f"<h1>{escaped(report.title)}</h1><p class=soft>{escaped(report.created)}</p>",
        _gate(report),
        _alarms(report.alarms),
        *[_comparison(row) for row in report.comparisons],
        _stages(report.stages),
        _preview(report.best_of_n),
        _settings(report.settings),
    ]
    return page(report.title, body)


def _gate(report: ChainReport) -> str:
    kind, word = ("good", "passed") if report.gate_passed else ("bad", "not passed")
    return f"<h2>Gate</h2><p><b class={kind}>{word}</b> · {escaped(report.gate)}</p>"


def _alarms(alarms: Sequence[str]) -> str:
    if not alarms:
        return ""
    items = "".join(f"<li>{escaped(alarm)}</li>" for alarm in alarms)
    return f"<h2>Alarms</h2><ul class=bad>{items}</ul>"


def _comparison(row: Row) -> str:
    """The headline with its interval, who judged, and the pairs that moved furthest."""
    title = f"<h2>{escaped(row['model_a'])} against {escaped(row['model_b'])}</h2>"
    counts = ", ".join(f"{row[name]} {name}" for name in ("wins", "ties", "losses", "failed"))
    judge = f"<p class=soft>{counts}. {escaped(row['independence'])}</p>"
    if not row["headline"]:
        why = "The judge is at chance and judges its own kin: its verdicts carry no headline."
        return f"{title}<p><span class=big>–</span> {why}</p>{judge}{_pairs(row['rows'])}"
    return title + _estimate(row["estimate"]) + judge + _pairs(row["rows"])


def _estimate(estimate: Row) -> str:
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return f"<p><span class=big>–</span> n = {estimate['n']}</p>"
    bar = (
        f'<div class=bar role=img aria-label="win rate {value:.0%}, {low:.0%} to {high:.0%}"><u></u>'
        f"<i style=left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%></i>"
        f"<b style=left:{100 * value:.1f}%></b></div>"
    )
    words = (
        f"win rate, ties half; 95% interval {low:.0%} to {high:.0%}, n = {estimate['n']} prompts"
    )
    return f"<p><span class=big>{value:.0%}</span> {words}</p>{bar}"


def _pairs(rows: Sequence[Row], *, shown: int = 5) -> str:
    """Some pairs, the most decided ones first."""
    known = sorted(
        rows, key=lambda row: -abs((row["p_a"] if row["p_a"] is not None else 0.5) - 0.5)
    )
    cells = [
        (
            text(row["prompt"][-1]["content"]),
            text(row["response_a"]),
            text(row["response_b"]),
            _p(row),
        )
        for row in known[:shown]
    ]
    return table(("Prompt", "A", "B", "P(A better)"), cells) if cells else ""


def _p(row: Row) -> str:
    return "–" if row["p_a"] is None else f"{row['p_a']:.2f}"


def _stages(stages: Sequence[StageReport]) -> str:
    rows = [
        (
            escaped(s.name),
            escaped(s.state),
            f"{s.seconds:.0f} s",
            _numbers(s.numbers) + _note(s.note),
        )
        for s in stages
    ]
    return "<h2>Stages</h2>" + table(("Stage", "State", "Time", "Numbers"), rows)


def _note(note: str) -> str:
    return f"<div class=soft>{escaped(note)}</div>" if note else ""


def _numbers(numbers: Mapping[str, Any]) -> str:
    return "<br>".join(
        f"{escaped(name)}: {escaped(_number(value))}" for name, value in numbers.items()
    )


def _number(value: Any) -> str:
    """A number, or an estimate row, as a person reads it.

    >>> _number(0.123456), _number({"value": 0.5, "low": 0.25, "high": 0.75, "n": 4}), _number(None)
    ('0.1235', '0.50 (0.25 to 0.75, n = 4)', '–')
    """
    if value is None or value != value:
        return "–"
    if isinstance(value, Mapping) and {"value", "low", "high", "n"} <= value.keys():
        if value["value"] is None:
            return "–"
        ends = "–" if value["low"] is None else f"{value['low']:.2f} to {value['high']:.2f}"
        return f"{value['value']:.2f} ({ends}, n = {value['n']})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _preview(preview: Row | None) -> str:
    """What the reward model loves and hates."""
    if not preview:
        return ""
    says = (
        f"Best of {preview['n']} on {preview['prompts']} prompts; score {preview['score_mean']:.2f}"
        f" (sd {preview['score_sd']:.2f}), the best answer is {preview['gain']:.2f} over its prompt's"
        f" mean; correlation of the score with length {_number(preview['correlation_with_length'])},"
        f" with refusing {_number(preview['correlation_with_refusal'])}."
    )
    cells = [
        (
            text(row["prompt"][-1]["content"]),
            text(row["best"]["text"]) + f"<span class=soft>{row['best']['score']:.2f}</span>",
            text(row["worst"]["text"]) + f"<span class=soft>{row['worst']['score']:.2f}</span>",
        )
        for row in preview["rows"][:5]
    ]
    shown = table(("Prompt", "Loved", "Hated"), cells)
    return f"<h2>What the reward model loves</h2><p>{says}</p>{shown}"


def _settings(settings: Mapping[str, Any]) -> str:
    rows = [(escaped(name), text(str(value), most=2000)) for name, value in settings.items()]
    return "<h2>Settings</h2>" + table(("Setting", "Value"), rows) if rows else ""
