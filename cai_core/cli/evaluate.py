"""`evaluate`: compare two models, or revisions with first answers; see what a reward model loves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.best_of_n import best_of_n
from cai_core.cli.evidence import evidence
from cai_core.cli.guard import guard
from cai_core.cli.judge import check_panel, ref_of, rows_in, setting_of
from cai_core.cli.output import write_result
from cai_core.cli.running import Running, stage_options
from cai_core.cli.wording import wording_options, wording_row
from cai_core.errors import CaiError, DataError
from cai_core.feedback.examples import Worked, comparisons_in_use
from cai_core.schema import (
    Constitution,
    ConstitutionRef,
    Hooks,
    Label,
    Pair,
    Prompt,
    Row,
    Sampling,
    judges_of,
)
from cai_core.settings import BUILTIN, JudgeSetting

if TYPE_CHECKING:
    from cai_core.evaluate.revisions import Duels, RevisionReport
    from cai_core.evaluate.winrate import Comparison, Contest, JudgePairs
    from cai_core.feedback.panel import Panel

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def evaluate() -> None:
    """Compare two models, or revisions with first answers; say what votes show; choose the best of n."""


@evaluate.command()
@click.option("--prompts", type=FILE, required=True, help="Prompts (JSONL, CSV or text).")
@click.option("--model-a", required=True, metavar="M", help="The model after.")
@click.option("--model-b", required=True, metavar="M", help="The model before.")
@click.option("--judge", default=BUILTIN, show_default=True, metavar="M", help="Who judges.")
@click.option("--panel", multiple=True, metavar="M", help="A further judge; may be repeated.")
@click.option(
    "--combine",
    type=click.Choice(["majority", "mean"]),
    help="How a panel's labels become one; by default as in the settings, else by majority.",
)
@click.option("--constitution", type=FILE, required=True, help="What the judge judges by.")
@click.option("--method", type=click.Choice(["logprob", "cot", "repeat"]), default="logprob")
@click.option("--principles", type=click.Choice(["whole", "each", "draw"]))
@wording_options
@click.option("--max-new-tokens", type=click.IntRange(1), default=128, show_default=True)
@click.option("--temperature", type=click.FloatRange(0, 2), default=0.8, show_default=True)
@click.option("--out", type=FILE, required=True, help="Result (JSON).")
@stage_options
def winrate(
    running: Running,
    *,
    prompts: Path,
    constitution: Path,
    out: Path,
    max_new_tokens: int,
    temperature: float,
    examples_file: Path | None,
    model_a: str,
    model_b: str,
    **options: Any,
) -> Row:
    """Judge two models' answers to the same prompts, in both orders.

    Rows that are finished stand in OUT.rows.jsonl, so that the same command continues.
    """
    setting = setting_of(**options)
    asked = Asked(
        prompts,
        constitution,
        models=(model_a, model_b),
        setting=setting,
        sampling=Sampling(max_new_tokens, temperature, seed=running.seed),
        examples=comparisons_in_use(setting, examples_file),
    )
    check_panel(asked.setting)
    comparison = _compare(running, asked, out)
    write_result(out, comparison.to_row())
    running.say(f"{out}: {comparison.win_rate.estimate if comparison.headline else '–'}")
    return {"out": str(out)} | comparison.win_rate.to_row()


@dataclass(frozen=True)
class Asked:
    """What one comparison is made of, as it was asked for."""

    prompts: Path
    constitution: Path
    models: tuple[str, str]
    setting: JudgeSetting
    sampling: Sampling
    examples: tuple[Worked, ...] = ()

    @property
    def settings(self) -> Row:
        row: Row = {"model_a": self.models[0], "model_b": self.models[1]}
        row |= {"judge": self.setting.model_dump(mode="json"), **vars(self.sampling)}
        return row | wording_row(self.setting, self.examples)


def _compare(running: Running, asked: Asked, out: Path) -> "Comparison":
    from cai_core.constitution.document import read as read_constitution
    from cai_core.curate.formats import read_prompts
    from cai_core.evaluate import winrate

    read = read_prompts(asked.prompts, skip_bad=running.skip_bad)
    running.report_bad(read.bad)
    winrate.check_prompts(read.rows, place=str(asked.prompts))
    ref = ConstitutionRef.of(read_constitution(asked.constitution))
    inputs = {"prompts": asked.prompts, "constitution": asked.constitution}
    rows_file = rows_file_of(out)
    with running.output(rows_file, settings=asked.settings, inputs=inputs) as output:
        missing = [prompt for prompt in read.rows if not output.has(prompt.id)]
        if missing:
            for label in _labels(running, asked, missing):
                output.write(label.to_row())
        output.finish([prompt.id for prompt in read.rows])
    labels = list(map(Label.from_row, rows_in(rows_file)))
    return comparison_of(asked.models, asked.setting.annotator, ref, labels)


def rows_file_of(out: Path) -> Path:
    """Where the rows of a result stand; a result without them is somebody else's."""
    rows_file = out.with_name(out.name + ".rows.jsonl")
    if out.exists() and not rows_file.exists():
        raise CaiError(f"{out} holds another result; delete it or choose another --out")
    return rows_file


def comparison_of(
    models: tuple[str, str], judge: str, ref: ConstitutionRef, labels: Sequence[Label]
) -> "Comparison":
    """A comparison with the judge's independence read from the models' lineage.

    Args:
        judge: who judged; the annotator of a panel stands for all its judges.
    """
    from cai_core.evaluate.winrate import Comparison, panel_independence

    lineage = {model: family_of(model) for model in models}
    kin = {name: family_of(name) for name in judges_of(judge)}
    found = panel_independence(kin, lineage)
    family = frozenset().union(*kin.values())
    return Comparison(*models, judge, ref, tuple(labels), found, family)


def family_of(model_id: str) -> frozenset[str]:
    """Every model that went into this one; a copy of the built-in weights is the built-in model."""
    from cai_core.evaluate.lineage import ancestry
    from cai_core.models.builtin import builtin_fingerprint
    from cai_core.models.catalogue import resolve
    from cai_core.models.weights import folder_fingerprint

    def is_builtin(name: str) -> bool:
        try:
            return folder_fingerprint(resolve(name)) == (builtin_fingerprint() or None)
        except CaiError:
            return False

    names = ancestry(model_id, resolve)
    return frozenset(BUILTIN if is_builtin(name) else name for name in names) | {model_id}


def _labels(running: Running, asked: Asked, prompts: Sequence[Prompt]) -> Iterable[Label]:
    from cai_core.evaluate.winrate import compare

    return compare(prompts, contest(running, asked), hooks=running.hooks)


def contest(running: Running, asked: Asked) -> "Contest":
    """The models, loaded, and the judge as a function of pairs."""
    from cai_core.constitution.document import read
    from cai_core.evaluate.winrate import Contest

    a, b = (running.model(name) for name in asked.models)
    panel = panel_of(running, read(asked.constitution), asked.setting, asked.examples)
    return Contest(a, b, judge_of(running, panel), asked.sampling, panel)


def panel_of(
    running: Running, constitution: Constitution, setting: JudgeSetting, examples: Sequence[Worked]
) -> "Panel":
    """Everybody who judges under this setting; loaded when their turn comes."""
    from cai_core.feedback.panel import Panel

    return Panel(
        constitution,
        setting,
        running.model,
        ref=ref_of(running, ConstitutionRef.of(constitution)),
        seed=running.seed,
        examples=examples,
    )


def judge_of(running: Running, panel: "Panel") -> "JudgePairs":
    """The judges as a function of pairs."""
    quiet = Hooks(should_stop=running.hooks.should_stop)

    def judge(pairs: Sequence[Pair]) -> Iterable[Label]:
        return panel.judge(pairs, hooks=quiet)

    return judge


@evaluate.command()
@click.option("--revisions", type=FILE, required=True, help="Revisions, as `revise` writes them.")
@click.option("--constitution", type=FILE, required=True, help="What the judge judges by.")
@click.option("--judge", default=BUILTIN, show_default=True, metavar="M", help="Who judges.")
@click.option("--method", type=click.Choice(["logprob", "cot", "repeat"]), default="logprob")
@click.option("--principles", type=click.Choice(["whole", "each", "draw"]))
@wording_options
@click.option("--most", type=click.IntRange(1), help="Of so many prompts at most, drawn by --seed.")
@click.option("--out", type=FILE, required=True, help="Result (JSON).")
@stage_options
def revisions(
    running: Running,
    *,
    revisions: Path,
    constitution: Path,
    most: int | None,
    out: Path,
    examples_file: Path | None,
    **options: Any,
) -> Row:
    """Judge each round's revision against the first answer, at equal length, in both orders.

    Rows that are finished stand in OUT.rows.jsonl, so that the same command continues.
    """
    from cai_core.constitution.document import read
    from cai_core.curate.formats import read_revisions
    from cai_core.evaluate.revisions import duels, judge_duels

    rules, setting = read(constitution), setting_of(**options)
    examples = comparisons_in_use(setting, examples_file)
    found = read_revisions(revisions, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    made = duels(found, most=most, seed=running.seed)
    if not made.pairs:
        raise DataError("there is no revision that can be compared", file=str(revisions))
    settings: Row = {"judge": setting.model_dump(mode="json"), "most": most, "seed": running.seed}
    settings |= wording_row(setting, examples)
    inputs = {"revisions": revisions, "constitution": constitution}
    rows_file = rows_file_of(out)
    with running.output(rows_file, settings=settings, inputs=inputs) as output:
        missing = [pair for pair in made.pairs if not output.has(pair.id)]
        with output.mending():
            judge = judge_of(running, panel_of(running, rules, setting, examples))
            for label in judge_duels(missing, judge, hooks=running.hooks) if missing else ():
                output.write(label.to_row())
        finished = output.finish([pair.id for pair in made.pairs])
    report = _revision_report(running, setting.model, ConstitutionRef.of(rules), made, rows_file)
    write_result(out, report.to_row())
    for number, share in report.by_round.items():
        shown = share.estimate if report.headline else "–"
        running.say(f"{out}: round {number} beats the first answer {shown}")
    running.say(report.independence.reason)
    return {**finished.to_row(), **report.summary(), "out": str(out)}


def _revision_report(
    running: Running, judge: str, ref: ConstitutionRef, made: "Duels", rows_file: Path
) -> "RevisionReport":
    from cai_core.evaluate.revisions import RevisionReport
    from cai_core.evaluate.winrate import independence

    models = {str(pair.extra["model"]) for pair in made.pairs} - {""}
    kin = family_of(judge)
    found = independence(judge, kin, {model: family_of(model) for model in sorted(models)})
    labels = tuple(map(Label.from_row, rows_in(rows_file)))
    return RevisionReport(judge, ref_of(running, ref), labels, made.left_out, found, kin)


evaluate.add_command(best_of_n)
evaluate.add_command(evidence)
evaluate.add_command(guard)
