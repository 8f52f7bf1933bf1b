"""`labels certificate`: what the labels in a file are worth."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cai_core.cli.running import Running, stage_options
from cai_core.errors import DataError
from cai_core.schema import Row

if TYPE_CHECKING:
    from cai_core.review.certificate import Certificate
    from cai_core.review.from_labels import LabelSheets
    from cai_core.review.gate import Gate

FILE = click.Path(path_type=Path, dir_okay=False)
SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command()
@click.option("--labels", "given", type=FILE, required=True, help="Judgements and verdicts.")
@click.option("--judge", default="", help="Whose judgements, where several are in the file.")
@click.option("--gate", "bar", type=SHARE, help="Fail unless surely more than this is right.")
@click.option("--width", type=SHARE, help="Say how many reviews an interval this wide takes.")
@click.option("--out", type=FILE, help="A page to print (HTML).")
@stage_options
def certificate(
    running: Running,
    *,
    given: Path,
    judge: str,
    bar: float | None,
    width: float | None,
    out: Path | None,
) -> Row:
    """Say how often the judgements in a file agree with people's first blind verdicts.

    A verdict is the `label` of a judged row, or a row of kind person on the same pair. `review.pi`, the
    chance with which a row came up, is used where it is recorded; where it is not, the rows with a
    verdict are taken for a random sample, and the result says so. With --gate the exit code is 1
    where it does not pass.
    """
    from cai_core.review.certificate import certificate as certify
    from cai_core.review.gate import gate as watch

    try:
        found = _read(given, running, judge).measured()
    except DataError as error:
        raise DataError(error.reason, file=str(given), line=error.line) from error
    made = certify(
        found.population,
        found.reviewed,
        human_human=found.human_human,
        date=datetime.date.today().isoformat(),
    )
    gate = None if bar is None else watch(found.population, found.reviewed, bar=bar)
    running.unfit = gate is not None and not gate.passed
    needed = None if width is None else _needed(made, width)
    row = made.to_row() | ({"gate": _gate_row(gate)} if gate else {})
    row |= {"needed": needed} if width is not None else {}
    told = "" if width is None else _needed_words(needed, width)
    for line in filter(None, (made.words(), _gate_words(gate), told)):
        running.say(line)
    if out is not None:
        _write_page(out, made, of=given.name, gate=gate, needed=told)
        row["out"] = str(out)
    return row


def _read(path: Path, running: Running, judge: str) -> "LabelSheets":
    from cai_core.curate.formats import BadRow
    from cai_core.curate.values import values_in
    from cai_core.review.from_labels import LabelSheets
    from cai_core.schema.fields import as_object

    sheets, bad = LabelSheets(judge), []
    for line, value in values_in(path):
        try:
            if isinstance(value, DataError):
                raise value
            sheets.add(as_object(value))
        except DataError as error:
            if not running.skip_bad:
                raise DataError(error.reason, line=line, column=error.column) from error
            bad.append(BadRow(str(path), line, error.reason))
    running.report_bad(bad)
    return sheets


def _needed(made: "Certificate", width: float) -> int | None:
    from cai_core.review.certificate import reviews_needed

    return reviews_needed(made, width=width)


def _needed_words(needed: int | None, width: float) -> str:
    if needed is None:
        return f"How many reviews an interval {100 * width:g} points wide takes cannot be told yet."
    return f"An interval {100 * width:g} points wide takes {needed:,} reviews in all, drawn as these were."


def _gate_row(gate: "Gate") -> Row:
    return {"bar": gate.bar, "passed": gate.passed, "bound": gate.bound, "at": gate.at}


def _gate_words(gate: "Gate | None") -> str:
    if gate is None:
        return ""
    if gate.passed:
        return f"Surely more than {gate.bar:.1%} are right, since {gate.at:,} reviews."
    return f"Not yet surely more than {gate.bar:.1%} are right: the bound is {gate.bound:.1%}."


def _write_page(
    out: Path, made: "Certificate", *, of: str, gate: "Gate | None", needed: str
) -> None:
    """Whole or not at all; only over an earlier page."""
    from cai_core.evaluate.certificate_sheet import to_html

    if out.exists() and not out.read_bytes().lstrip().startswith(b"<!doctype html>"):
        raise DataError("holds something else; delete it or choose another --out", file=str(out))
    part = out.with_name(out.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(to_html(made, of=of, gate=gate, needed=needed), encoding="utf-8")
    part.replace(out)
