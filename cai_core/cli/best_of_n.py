"""`evaluate best-of-n`: what a reward model loves and hates among n answers a prompt."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from cai_core.cli.output import write_result
from cai_core.cli.running import Running, stage_options
from cai_core.errors import CaiError
from cai_core.schema import Chat, Row, Sampling, content_hash

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("best-of-n")
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

    read = read_prompts(prompts, skip_bad=running.skip_bad)
    running.report_bad(read.bad)
    made_with = {"model": model, "reward_model": reward_model, "n": n, "seed": running.seed}
    made_with |= {"max_new_tokens": max_new_tokens, "temperature": temperature}
    _refuse_other(out, made_with)
    preview = best.best_of_n(
        read.rows,
        running.model(model),
        _scorer(reward_model),
        n=n,
        sampling=Sampling(max_new_tokens, temperature, seed=running.seed),
        hooks=running.hooks,
    )
    row = preview.to_row()
    write_result(out, row | {"made_with": made_with})
    running.say(f"{out}: best of {n} gains {row['gain']:.2f}")
    return {name: value for name, value in row.items() if name != "rows"}


def _scorer(reward_model: str) -> Callable[[Sequence[Chat]], Sequence[float]]:
    from cai_core.models.catalogue import resolve
    from cai_core.train.reward_model import RewardModel

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
