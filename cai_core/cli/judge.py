"""`judge`: which answer of each pair is better under a constitution, asked in both orders."""

import json
from array import array
from bisect import insort
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.running import Running, stage_options
from cai_core.cli.wording import wording_options, wording_row
from cai_core.errors import ModelError
from cai_core.feedback.examples import Worked, comparisons_in_use
from cai_core.schema import Constitution, ConstitutionRef, Label, Pair, Row
from cai_core.settings import BUILTIN, JudgeSetting, Settings, usual_principles

if TYPE_CHECKING:
    from cai_core.cli.output import Output
    from cai_core.feedback.batch import Items

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--pairs", type=FILE, required=True, help="Pairs (JSONL, CSV or JSON; gzip too).")
@click.option(
    "--constitution", type=FILE, help="What the judge judges by (YAML); a learned judge needs none."
)
@click.option(
    "--judge",
    default=BUILTIN,
    show_default=True,
    metavar="M",
    help="Who judges: a model, or a learned judge (head:ID or its folder).",
)
@click.option("--panel", multiple=True, metavar="M", help="A further judge; may be repeated.")
@click.option(
    "--combine",
    type=click.Choice(["majority", "mean"]),
    help="How a panel's labels become one; by default as in the settings, else by majority.",
)
@click.option(
    "--method",
    type=click.Choice(["logprob", "cot", "repeat"]),
    default="logprob",
    show_default=True,
    help="Probabilities; reasoning first; or sampled verdicts, where there are no probabilities.",
)
@click.option(
    "--principles",
    type=click.Choice(["whole", "each", "draw"]),
    help="All in one question; each one votes; or one drawn for each pair, as on endpoints unless told.",
)
@click.option(
    "--tie-band", type=click.FloatRange(0, 0.5, max_open=True), help="|p - 0.5| of a tie."
)
@click.option("--repeats", type=click.IntRange(1, 64), help="Verdicts an order under 'repeat'.")
@wording_options
@click.option("--out", type=FILE, required=True, help="Labels (JSONL), one row a pair.")
@stage_options
def judge(
    running: Running,
    *,
    pairs: Path,
    constitution: Path | None,
    out: Path,
    examples_file: Path | None,
    **options: Any,
) -> Row:
    """Judge pairs under a constitution, or by a learned judge.

    A pair that cannot be judged has a null verdict and its reason; the same command asks it again.
    """
    from cai_core.review.head_folder import names_head

    if names_head(options["judge"]):
        return _learned(running, pairs, out, **options)
    if constitution is None:
        raise click.UsageError("Missing option '--constitution': what the judge judges by")
    from cai_core.constitution.document import read
    from cai_core.curate.formats import stream_pairs
    from cai_core.feedback.findings import tell_of

    setting = setting_of(**options)
    check_panel(setting)
    examples = comparisons_in_use(setting, examples_file)
    rules = read(constitution)
    found = stream_pairs(pairs, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    settings: Row = {"judge": setting.model_dump(mode="json"), "seed": running.seed}
    settings |= {"constitution": rules.hash} | wording_row(setting, examples)
    with running.output(out, settings=settings, inputs={"pairs": pairs}) as output:
        missing = found.without(output.has)
        with output.mending():
            if missing:
                write_labels(output, _labels(running, missing, rules, setting, examples))
        mark_all(output)
        finished = output.finish(found.ids)
    refuse_if_all_failed(out, finished.rows, finished.failed)
    running.say_finished(finished, "judged", "without verdict")
    found_out = tell_of(map(Label.from_row, rows_in(out)))
    for sentence in found_out.sentences:
        running.say(sentence)
    return finished.to_row() | found_out.to_row()


def _learned(running: Running, pairs: Path, out: Path, *, judge: str, **options: Any) -> Row:
    """Judge by a learned judge, alone: a panel would ask what it has no answer to."""
    from cai_core.cli.judge_head import judge_by_head

    if options["panel"]:
        raise click.UsageError("a learned judge sits on no panel; leave --panel out")
    band = setting_of(judge, tie_band=options["tie_band"]).tie_band
    row = judge_by_head(running, judge, pairs=pairs, out=out, tie_band=band)
    refuse_if_all_failed(out, row["rows"], row["failed"])
    return row


def setting_of(judge: str, **options: Any) -> JudgeSetting:
    """The workspace's judge setting with what the command line says otherwise.

    Who judges is said on the command line alone: the workspace's panel is not added to it.
    """
    given = {name: value for name, value in options.items() if value is not None}
    base = Settings.load().judge.model_dump() | {"panel": (), "principles": usual_principles(judge)}
    return JudgeSetting.model_validate({**base, "model": judge, **given})


def check_panel(setting: JudgeSetting) -> None:
    """Raises CaiError: a further judge is not there; it would be missed only when its turn comes."""
    from cai_core.models.catalogue import check

    for judge in setting.panel:
        check(judge)


def _labels(
    running: Running,
    pairs: "Items[Pair]",
    rules: Constitution,
    setting: JudgeSetting,
    examples: Sequence[Worked],
) -> Iterator[Label]:
    from cai_core.feedback.panel import Panel

    ref = ref_of(running, ConstitutionRef.of(rules))
    everybody = Panel(
        rules,
        setting,
        running.model,
        ref=ref,
        seed=running.seed,
        examples=examples,
    )
    return everybody.judge(pairs, hooks=running.hooks)


def ref_of(running: Running, read: ConstitutionRef) -> ConstitutionRef:
    """The constitution as the job names it, with its version; as it was read where there is none."""
    if running.job is None:
        return read
    from cai_core.jobs.folder import read_config

    named = ConstitutionRef.from_row(read_config(running.job).get("constitution"))
    return named if named and named.hash == read.hash else read


def write_labels(output: "Output", labels: Iterator[Label]) -> None:
    """Write each label as it comes, `inconsistent` by the median offset so far.

    So few rows change when the offset of the whole run is known.
    """
    from cai_core.feedback.votes import mark_inconsistent

    offsets = array("d")
    for label in labels:
        if label.offset is not None:
            insort(offsets, label.offset)
        middle = offsets[len(offsets) // 2] if offsets else 0.0
        output.write(mark_inconsistent([label], offset=middle)[0].to_row())


def mark_all(output: "Output") -> None:
    """Set `inconsistent` by the median offset of all rows; only rows that change are written.

    Every attempt does, one that has no pair left to ask too: a kill may have come just before this.
    """
    from cai_core.feedback.votes import mark_inconsistent, median_offset

    if not output.part.exists():
        return
    offset = median_offset(map(Label.from_row, output.standing()))
    for label in map(Label.from_row, output.standing()):
        marked = mark_inconsistent([label], offset=offset)[0]
        if marked != label:
            output.write(marked.to_row())


def rows_in(path: Path) -> Iterator[Row]:
    """The rows of a file of ours, one at a time."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def refuse_if_all_failed(out: Path, rows: int, failed: int) -> None:
    """Raises ModelError: not one row was made; says why the first was not."""
    if rows and failed == rows:
        reason = next(rows_in(out)).get("error", "")
        raise ModelError(f"none of the {rows} rows of {out} could be made: {reason}")
