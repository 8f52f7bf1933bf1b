"""`impact-revisions`: what an edit of a constitution makes of the same answers."""

import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.evaluate import family_of, judge_of, panel_of, rows_file_of
from cai_core.cli.judge import ref_of, refuse_if_all_failed, rows_in, setting_of
from cai_core.cli.output import write_result
from cai_core.cli.running import Running, nucleus_options, stage_options
from cai_core.cli.wording import wording_options, wording_row
from cai_core.errors import DataError
from cai_core.feedback.comparison import label_template
from cai_core.feedback.examples import (
    Example,
    Worked,
    comparisons_in_use,
    revisions_in_use,
)
from cai_core.schema import ConstitutionRef, Prompt, Row, Sampling, content_hash
from cai_core.settings import BUILTIN, JudgeSetting

if TYPE_CHECKING:
    from cai_core.feedback.panel import Panel
    from cai_core.impact.edit import Edit
    from cai_core.impact.rewrite import Standard
    from cai_core.impact.rewrites import Desk, Requested
    from cai_core.impact.rewrites_result import Jury, RewriteImpact

FILE = click.Path(path_type=Path, dir_okay=False)
_GIVEN = (
    click.option("--from", "old", type=FILE, required=True, help="The version before (YAML)."),
    click.option("--to", "new", type=FILE, required=True, help="The version after, or a draft."),
    click.option(
        "--prompts", type=FILE, help="Prompts; `initial` or `completion` is a first answer."
    ),
    click.option("--revisions", type=FILE, help="Revisions: their first answers are used."),
    click.option("--sample", type=click.IntRange(1), help="Of so many rows, drawn by --seed."),
    click.option("--model", required=True, metavar="M", help="Who criticises and rewrites."),
    click.option("--whole", is_flag=True, help="Ask the whole constitution, not what was edited."),
)
_JUDGED = (
    click.option("--judge", default=BUILTIN, show_default=True, metavar="M", help="Who judges."),
    click.option("--no-judge", is_flag=True, help="Let nobody judge the two revisions."),
    click.option("--method", type=click.Choice(["logprob", "cot", "repeat"]), default="logprob"),
    click.option("--principles", type=click.Choice(["whole", "each", "draw"])),
    click.option(
        "--tie-band", type=click.FloatRange(0, 0.5, max_open=True), help="|p - 0.5| of a tie."
    ),
)


def _with(options: tuple[Any, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.command()
@_with(_GIVEN)
@click.option("--max-new-tokens", type=click.IntRange(1), default=256, show_default=True)
@click.option("--temperature", type=click.FloatRange(0, 2), default=1.0, show_default=True)
@nucleus_options
@_with(_JUDGED)
@wording_options
@click.option("--out", type=FILE, required=True, help="Result (JSON); its report stands beside it.")
@stage_options
def impact_revisions(running: Running, *, out: Path, **options: Any) -> Row:
    """Revise the same answers under two versions, and compare what comes of them.

    Rows that are finished stand in OUT.rows.jsonl, so that the same command continues.
    """
    from cai_core.impact.rewrites_report import to_html

    asked = _asked(running, options)
    found = _compare(running, asked, out)
    write_result(out, found.to_row())
    report = out.with_suffix(".html")
    report.write_text(to_html(found), encoding="utf-8")
    _say(running, found, report)
    return {"out": str(out), "report": str(report)} | found.summary()


@dataclass(frozen=True)
class Asked:
    """What one comparison is made of, as it was asked for; no setting where nobody judges."""

    edit: "Edit"
    requested: "Requested"
    prompts: Path | None
    revisions: Path | None
    sample: int | None
    model: str
    sampling: Sampling
    shown: tuple[Example, ...]
    setting: JudgeSetting | None
    examples: tuple[Worked, ...]

    @property
    def settings(self) -> Row:
        """Whatever changes rows."""
        row: Row = {"from": self.edit.old.hash, "to": self.edit.new.hash, "model": self.model}
        row |= {"way": self.requested.way, "sample": self.sample, **asdict(self.sampling)}
        row["worked"] = content_hash([one.to_row() for one in self.shown])
        if self.setting is None:
            return row | {"judge": None}
        judge = self.setting.model_dump(mode="json")
        return row | {"judge": judge} | wording_row(self.setting, self.examples)

    @property
    def inputs(self) -> dict[str, Path]:
        given = {"prompts": self.prompts, "revisions": self.revisions}
        return {name: path for name, path in given.items() if path}


def _asked(running: Running, options: Row) -> Asked:
    from cai_core.constitution.document import read
    from cai_core.impact.edit import Edit
    from cai_core.impact.rewrites import requested

    names = ("old", "new", "prompts", "revisions", "sample", "model", "whole", "no_judge")
    given = {name: options.pop(name) for name in (*names, "examples_file")}
    if (given["prompts"] is None) == (given["revisions"] is None):
        raise click.UsageError("give either --prompts or --revisions")
    writing = ("max_new_tokens", "temperature", "top_p", "top_k")
    sampling = Sampling(**{name: options.pop(name) for name in writing}, seed=running.seed)
    setting = None if given["no_judge"] else setting_of(**options, panel=())
    edit = Edit(read(given["old"]).check(), read(given["new"]).check())
    examples = comparisons_in_use(setting, given["examples_file"]) if setting else ()
    return Asked(
        edit,
        requested(edit, whole=given["whole"]),
        given["prompts"],
        given["revisions"],
        given["sample"],
        given["model"],
        sampling,
        revisions_in_use(),
        setting,
        examples,
    )


def _compare(running: Running, asked: Asked, out: Path) -> "RewriteImpact":
    from cai_core.impact.rewrite import Rewrite
    from cai_core.impact.rewrites import first_answers, rewrites
    from cai_core.impact.rewrites_result import RewriteImpact, touches

    prompts = _prompts(running, asked)
    given = first_answers(prompts)
    rows_file, began = rows_file_of(out), time.monotonic()
    with running.output(rows_file, settings=asked.settings, inputs=asked.inputs) as output:
        missing = [prompt for prompt in prompts if not output.has(prompt.id)]
        with output.mending():
            if missing:
                desk = _desk(running, asked, given)
                for one in rewrites(missing, desk, hooks=running.hooks):
                    output.write(one.to_row())
        finished = output.finish([prompt.id for prompt in prompts])
    refuse_if_all_failed(rows_file, finished.rows, finished.failed)
    return RewriteImpact(
        ConstitutionRef.of(asked.edit.old),
        ref_of(running, ConstitutionRef.of(asked.edit.new)),
        asked.model,
        {name: value for name, value in asdict(asked.sampling).items() if name != "seed"},
        asked.requested,
        touches(asked.edit.requests_touched),
        tuple(map(Rewrite.from_row, rows_in(rows_file))),
        _jury(asked),
        len(given),
        round(time.monotonic() - began, 1),
        running.seed,
    )


def _prompts(running: Running, asked: Asked) -> list[Prompt]:
    """In random order, so that what comes first is a fair sample; first answers in `initial`."""
    from cai_core.curate.formats import read_prompts, read_revisions

    if asked.prompts:
        read = read_prompts(asked.prompts, skip_bad=running.skip_bad)
        bad, prompts = read.bad, list(read.rows)
    else:
        assert asked.revisions
        revised = read_revisions(asked.revisions, skip_bad=running.skip_bad)
        bad = revised.bad
        prompts = [
            Prompt(row.id, row.prompt, extra={"initial": row.initial}) for row in revised.rows
        ]
    running.report_bad(bad)
    if not prompts:
        place = str(asked.prompts or asked.revisions)
        raise DataError("there is no prompt whose answer could be revised", file=place)
    random.Random(running.seed).shuffle(prompts)
    return prompts[: asked.sample]


def _desk(running: Running, asked: Asked, given: dict[str, str]) -> "Desk":
    from cai_core.feedback.revise import ReviseSettings
    from cai_core.impact.rewrites import Desk

    panels = _panels(running, asked)
    return Desk(
        asked.edit,
        asked.requested,
        running.model(asked.model),
        ReviseSettings(sampling=asked.sampling, shown=asked.shown),
        given,
        {name: judge_of(running, panel) for name, panel in panels.items()},
        tuple(panels.values()),
    )


def _panels(running: Running, asked: Asked) -> "dict[Standard, Panel]":
    """A judge for each version that judges otherwise."""
    from cai_core.impact.rewrites import standards

    setting = asked.setting
    if setting is None:
        return {}
    found = standards(asked.edit, setting.principles)
    return {
        name: panel_of(running, rules, setting, asked.examples) for name, rules in found.items()
    }


def _jury(asked: Asked) -> "Jury | None":
    from cai_core.evaluate.winrate import independence
    from cai_core.impact.rewrites_result import Jury

    setting = asked.setting
    if setting is None:
        return None
    kin = family_of(setting.model)
    outside = independence(setting.model, kin, {asked.model: family_of(asked.model)})
    template = label_template(setting, asked.examples)
    return Jury(setting.model_dump(mode="json"), template, outside, kin)


def _say(running: Running, found: "RewriteImpact", report: Path) -> None:
    from cai_core.impact.contrasts import TITLES
    from cai_core.impact.rewrites_report import difference_words, shown
    from cai_core.impact.rewrites_result import ASKS

    running.say(
        f"{len(found.rows)} prompts, {found.failed} without revision; {found.requested.sentence}"
    )
    for one in found.contrasts:
        running.say(f"{TITLES[one.name]}: {difference_words(one)}")
    for name, rate in found.win_rates.items():
        share = shown(rate.estimate, share=True) if found.jury and found.jury.headline else "–"
        running.say(f"{ASKS[name]} The new revision wins {share}")
    running.say(f"the report is {report}")
