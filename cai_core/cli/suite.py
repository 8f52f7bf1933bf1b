"""`constitution test`: run a suite of pinned cases on a constitution, as one runs the tests of code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.evaluate import rows_file_of
from cai_core.cli.judge import check_panel, ref_of, rows_in, setting_of
from cai_core.cli.output import write_result
from cai_core.cli.running import Running, stage_options
from cai_core.cli.wording import wording_options, wording_row
from cai_core.feedback.examples import comparisons_in_use, revisions_in_use
from cai_core.schema import CaseResult, ConstitutionRef, Row, content_hash
from cai_core.settings import JudgeSetting, Settings

if TYPE_CHECKING:
    from cai_core.cli.output import Finished
    from cai_core.evaluate.suite import Bench
    from cai_core.evaluate.suite_report import SuiteReport
    from cai_core.schema import Case

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("test")
@click.argument("file", type=FILE)
@click.option("--suite", type=FILE, required=True, help="Cases and what must hold (YAML).")
@click.option("--judge", metavar="M", help="Who judges pairs; by default as in the settings.")
@click.option("--panel", multiple=True, metavar="M", help="A further judge; may be repeated.")
@click.option(
    "--combine",
    type=click.Choice(["majority", "mean"]),
    help="How a panel's labels become one; by default as in the settings, else by majority.",
)
@click.option("--method", type=click.Choice(["logprob", "cot", "repeat"]))
@click.option("--principles", type=click.Choice(["whole", "each", "draw"]))
@click.option(
    "--tie-band", type=click.FloatRange(0, 0.5, max_open=True), help="|p - 0.5| of a tie."
)
@click.option("--repeats", type=click.IntRange(1, 64), help="Verdicts an order under 'repeat'.")
@wording_options
@click.option("--model", metavar="M", help="Who answers and revises prompts; by default the base.")
@click.option("--max-new-tokens", type=click.IntRange(1), default=256, show_default=True)
@click.option("--junit", type=FILE, help="Write the outcome as JUnit's XML too.")
@click.option("--out", type=FILE, help="Result (JSON); without it only the cache is kept.")
@stage_options
def run_suite(
    running: Running,
    *,
    file: Path,
    suite: Path,
    model: str | None,
    max_new_tokens: int,
    junit: Path | None,
    out: Path | None,
    examples_file: Path | None,
    **options: Any,
) -> Row:
    """Hold constitution FILE against a suite; exit 1 where a case fails or cannot be run.

    The cases were chosen by hand: they show regressions, and measure nothing. Rows that are finished
    stand in OUT.rows.jsonl, so that the same command continues.
    """
    from cai_core.constitution.document import read
    from cai_core.evaluate import suite_file, suite_report
    from cai_core.evaluate.suite import Asking, Bench, check_cases

    if running.skip_bad:
        raise click.UsageError("a suite is read whole or not at all; take --skip-bad away")
    setting = _setting(**options)
    check_panel(setting)
    rules, cases = read(file), suite_file.read(suite)
    check_cases(cases, place=str(suite))
    asking = Asking(
        setting,
        model or Settings.load().base_model,
        seed=running.seed,
        max_new_tokens=max_new_tokens,
        comparisons=comparisons_in_use(setting, examples_file),
        rounds=revisions_in_use(),
    )
    bench = Bench(rules, asking, running.model, ref_of(running, ConstitutionRef.of(rules)))
    with _kept(out) as place:
        finished, results = _run(running, bench, cases, suite, place)
        report = suite_report.SuiteReport(bench.ref, cases, results)
        if out:
            write_result(out, report.to_row())
    if junit:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.write_text(suite_report.junit(report), encoding="utf-8")
    _tell(running, report)
    return {"failed_by_reason": dict(finished.reasons)} | report.summary()


def _setting(judge: str | None, **options: Any) -> JudgeSetting:
    """The workspace's judge with what is said otherwise; another judge is asked as it usually is."""
    if judge is not None:
        return setting_of(judge, **options)
    given = {name: value for name, value in options.items() if value not in (None, ())}
    return JudgeSetting.model_validate(Settings.load().judge.model_dump() | given)


@contextmanager
def _kept(out: Path | None) -> Iterator[Path]:
    """Where the rows stand: beside the result, or nowhere for long."""
    if out is None:
        with TemporaryDirectory() as folder:
            yield Path(folder) / "rows.jsonl"
        return
    yield rows_file_of(out)


def _run(
    running: Running, bench: "Bench", cases: "tuple[Case, ...]", suite: Path, rows_file: Path
) -> "tuple[Finished, tuple[CaseResult, ...]]":
    from cai_core.evaluate.suite import run

    asking = bench.asking
    settings: Row = {"judge": asking.setting.model_dump(mode="json"), "seed": running.seed}
    settings |= {"model": asking.model, "max_new_tokens": asking.max_new_tokens}
    settings |= {"constitution": bench.constitution.hash}
    settings |= {"worked_rounds": content_hash([one.to_row() for one in asking.rounds])}
    settings |= wording_row(asking.setting, asking.comparisons)
    with running.output(rows_file, settings=settings, inputs={"suite": suite}) as output:
        missing = [case for case in cases if case.enabled and not output.has(case.id)]
        with output.mending():
            for result in run(missing, bench, hooks=running.hooks) if missing else ():
                output.write(result.to_row())
        finished = output.finish([case.id for case in cases if case.enabled])
    return finished, tuple(map(CaseResult.from_row, rows_in(rows_file)))


def _tell(running: Running, report: "SuiteReport") -> None:
    """A line for each case that does not pass, then the counts."""
    for line in report.lines():
        running.say(line)
    ref = report.constitution
    running.say(f"{ref.name} {ref.hash}: {report.sentence}")
    running.unfit = not report.passes
