"""`train sft|reward|ppo|chain`: from a frozen dataset to a model folder.

Stopped or killed, the same command goes on from its newest whole checkpoint; a finished one has
nothing left to do; other settings in the same folder are refused.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from cai_core.cli.running import Running, stage_options
from cai_core.schema import Row
from cai_core.train.card import Run, plain
from cai_core.train.configs import CONFIGS, ChainConfig, Method, TrainingConfig, load_config
from cai_core.train.loop import Task
from cai_core.train.rows import Kind, TrainingData

KINDS: dict[Method, Kind] = {"sft": "sft", "reward": "preference", "ppo": "prompts"}
PATH = click.Path(path_type=Path)


@click.group()
def train() -> None:
    """Train by SFT, a reward model, PPO, or the chain of them."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What the three methods have in common."""
    made_of = (
        click.option("--data", type=PATH, required=True, help="Dataset folder, or one JSONL file."),
        click.option("--model", required=True, metavar="M", help="Local model id to start from."),
        click.option("--out", type=PATH, required=True, help="Folder of the result."),
        click.option("--config", type=PATH, help="Settings (YAML)."),
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One setting."),
    )
    for option in reversed(made_of):
        command = option(command)
    return command


@train.command()
@_options
@stage_options
def sft(running: Running, **options: Any) -> Row:
    """Fine-tune on the answers of an sft dataset."""
    task = _task(running, "sft", options)
    from cai_core.train import sft as stage

    return _finished(running, task, stage.train(task))


@train.command()
@_options
@stage_options
def reward(running: Running, **options: Any) -> Row:
    """Train a reward model from soft preference labels."""
    task = _task(running, "reward", options)
    from cai_core.train import reward as stage

    return _finished(running, task, stage.train(task))


@train.command()
@_options
@click.option("--reward-model", required=True, metavar="M", help="Id of a trained reward model.")
@stage_options
def ppo(running: Running, reward_model: str, **options: Any) -> Row:
    """Train a policy against a reward model."""
    from cai_core.models.catalogue import resolve

    judge = resolve(reward_model)
    task = _task(running, "ppo", options, reward_model=named(reward_model))
    from cai_core.train import ppo as stage

    return _finished(running, task, stage.train(task, reward=judge))


@train.command()
@click.option("--config", type=PATH, required=True, help="The whole loop (YAML).")
@click.option("--out", type=PATH, required=True, help="Folder of the results.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One setting.")
@stage_options
def chain(running: Running, config: Path, out: Path, overrides: Sequence[str]) -> Row:
    """SFT, pairs, judging, a gate, a reward model, its preview, PPO, a comparison, a report."""
    from cai_core.cli.chain import run_chain

    asked = seeded(running, load_config(ChainConfig, config, overrides))
    return run_chain(running, asked, place=config.parent, out=out)


def seeded(running: Running, config: Any) -> Any:
    """The configuration with the seed of the command line, where one was given there."""
    source = click.get_current_context().get_parameter_source("seed")
    if source is not click.core.ParameterSource.COMMANDLINE:
        running.seed = config.seed
        return config
    return config.model_copy(update={"seed": running.seed})


def named(model_id: str) -> str:
    """The id as it is written down: a bare folder becomes a whole path."""
    from cai_core.models.catalogue import parse, resolve

    return f"path:{resolve(model_id)}" if parse(model_id)[0] == "path" else model_id


def _task(running: Running, method: Method, options: Row, *, reward_model: str = "") -> Task:
    """The task, checked before any heavy library is imported."""
    from cai_core.models.catalogue import resolve
    from cai_core.models.weights import check_folder

    kind: type[TrainingConfig] = CONFIGS[method]
    config = seeded(running, load_config(kind, options["config"], options["overrides"]))
    data = TrainingData.load(options["data"], KINDS[method])
    folder = resolve(options["model"])
    check_folder(folder)
    return Task(
        method,
        data,
        folder,
        options["out"],
        config,
        base_model=named(options["model"]),
        reward_model=reward_model,
        hooks=running.hooks,
    )


def _finished(running: Running, task: Task, run: Run) -> Row:
    running.say(f"{task.out}: {run.method}, {run.steps} steps in {run.train_seconds:.0f} s")
    for note in run.notes:
        running.say(f"  {note}")
    result: Row = {"out": str(task.out), "steps": run.steps, "metrics": plain(run.metrics)}
    return result | {"notes": list(run.notes)}
