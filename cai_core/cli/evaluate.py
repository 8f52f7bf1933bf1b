"""`evaluate`: compare two models on the same prompts, and see what a reward model loves."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.judge import check_panel, setting_of
from cai_core.cli.running import Running, stage_options
from cai_core.cli.wording import wording_options, wording_row
from cai_core.errors import CaiError
from cai_core.feedback.examples import Worked, comparisons_in_use
from cai_core.schema import (
    Chat,
    ConstitutionRef,
    Hooks,
    Label,
    Pair,
    Prompt,
    Row,
    Sampling,
    content_hash,
    judges_of,
)
from cai_core.settings import BUILTIN, JudgeSetting

if TYPE_CHECKING:
    from cai_core.evaluate.winrate import Comparison, Contest

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def evaluate() -> None:
    """Compare two models, or choose the best of n."""


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
@click.option("--principles", type=click.Choice(["whole", "each", "draw"]), default="each")
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
    _write(out, comparison.to_row())
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
    rows_file = out.with_name(out.name + ".rows.jsonl")
    if out.exists() and not rows_file.exists():
        raise CaiError(f"{out} holds another result; delete it or choose another --out")
    with running.output(rows_file, settings=asked.settings, inputs=inputs) as output:
        missing = [prompt for prompt in read.rows if prompt.id not in output.done]
        if missing:
            for label in _labels(running, asked, missing):
                output.write(label.to_row())
        output.finish([prompt.id for prompt in read.rows])
    # not splitlines(): U+2028 and its like may stand inside a JSON string
    lines = rows_file.read_text(encoding="utf-8").split("\n")
    labels = [Label.from_row(json.loads(line)) for line in lines if line]
    return comparison_of(asked.models, asked.setting.annotator, ref, labels)


def comparison_of(
    models: tuple[str, str], judge: str, ref: ConstitutionRef, labels: Sequence[Label]
) -> "Comparison":
    """A comparison with the judge's independence read from the models' lineage.

    Args:
        judge: who judged; the annotator of a panel stands for all its judges.
    """
    from cai_core.evaluate.winrate import Comparison, panel_independence

    lineage = {model: _family(model) for model in models}
    kin = {name: _family(name) for name in judges_of(judge)}
    found = panel_independence(kin, lineage)
    family = frozenset().union(*kin.values())
    return Comparison(*models, judge, ref, tuple(labels), found, family)


def _family(model_id: str) -> frozenset[str]:
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
    from cai_core.feedback.panel import Panel
    from cai_core.models.catalogue import load

    a, b = (load(name, cache=running.cache) for name in asked.models)
    quiet = Hooks(should_stop=running.hooks.should_stop)
    panel = Panel(
        read(asked.constitution),
        asked.setting,
        lambda model_id: load(model_id, cache=running.cache),
        seed=running.seed,
        examples=asked.examples,
    )

    def judge(pairs: Sequence[Pair]) -> Iterable[Label]:
        return panel.judge(pairs, hooks=quiet)

    return Contest(a, b, judge, asked.sampling, panel)


@evaluate.command("best-of-n")
@click.option("--prompts", type=FILE, required=True, help="Prompts (JSONL, CSV or text).")
@click.option("--model", required=True, metavar="M", help="Who answers.")
@click.option("--reward-model", required=True, metavar="M", help="Who scores.")
@click.option("-n", "n", type=click.IntRange(2, 64), default=8, show_default=True)
@click.option("--max-new-tokens", type=click.IntRange(1), default=128, show_default=True)
@click.option("--temperature", type=click.FloatRange(0, 2), default=1.0, show_default=True)
@click.option("--out", type=FILE, required=True, help="Result (JSON).")
@stage_options
def best_of_n(
    running: Running,
    *,
    prompts: Path,
    model: str,
    reward_model: str,
    n: int,
    max_new_tokens: int,
    temperature: float,
    out: Path,
) -> Row:
    """Sample n answers a prompt and show the ones that a reward model loves and hates."""
    from cai_core.curate.formats import read_prompts
    from cai_core.evaluate import best_of_n as best
    from cai_core.models.catalogue import load

    read = read_prompts(prompts, skip_bad=running.skip_bad)
    running.report_bad(read.bad)
    made_with = {"model": model, "reward_model": reward_model, "n": n, "seed": running.seed}
    made_with |= {"max_new_tokens": max_new_tokens, "temperature": temperature}
    _refuse_other(out, made_with)
    preview = best.best_of_n(
        read.rows,
        load(model, cache=running.cache),
        _scorer(reward_model),
        n=n,
        sampling=Sampling(max_new_tokens, temperature, seed=running.seed),
        hooks=running.hooks,
    )
    row = preview.to_row()
    _write(out, row | {"made_with": made_with})
    running.say(f"{out}: best of {n} gains {row['gain']:.2f}")
    return {name: value for name, value in row.items() if name != "rows"}


def _scorer(reward_model: str) -> Callable[[Sequence[Chat]], Sequence[float]]:
    from cai_core.models.catalogue import resolve
    from cai_core.train.reward import RewardModel

    return RewardModel.load(resolve(reward_model)).score


def _refuse_other(out: Path, made_with: Row) -> None:
    """Never write over a result that was made with other settings."""
    if not out.exists():
        return
    try:
        there = json.loads(out.read_text(encoding="utf-8")).get("made_with")
    except (ValueError, AttributeError):
        there = None
    if there is None or content_hash(there) != content_hash(made_with):
        raise CaiError(f"{out} holds another result; delete it or choose another --out")


def _write(out: Path, row: Row) -> None:
    """Write the result whole or not at all."""
    part = out.with_name(out.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(json.dumps(row, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(out)
