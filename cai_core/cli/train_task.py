"""What every `train` command takes, and how it becomes a task that is checked before anything heavy is imported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cai_core.cli.running import Running
from cai_core.schema import Row
from cai_core.train.card import Run, plain
from cai_core.train.configs import CONFIGS, PRESETS, Method, TrainingConfig, load_config
from cai_core.train.loop import Task
from cai_core.train.rows import Kind, TrainingData

KINDS: dict[Method, Kind] = {
    **{"sft": "sft", "reward": "preference", "ppo": "prompts"},
    **{"dpo": "preference", "rloo": "prompts", "grpo": "prompts"},
}
PATH = click.Path(path_type=Path)


preset_option = click.option(
    "--preset",
    type=click.Choice([one.key for one in PRESETS]),
    help="Settings of a machine or paper, under those of --config and --set.",
)


def task_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that all methods have."""
    made_of = (
        click.option("--data", type=PATH, required=True, help="Dataset folder, or one JSONL file."),
        click.option("--model", required=True, metavar="M", help="Local model id to start from."),
        click.option("--out", type=PATH, required=True, help="Folder of the result."),
        click.option("--config", type=PATH, help="Settings (YAML)."),
        preset_option,
        click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One setting."),
    )
    for option in reversed(made_of):
        command = option(command)
    return command


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


def task_of(running: Running, method: Method, options: Row, *, reward_model: str = "") -> Task:
    """The task, checked before any heavy library is imported."""
    from cai_core.models.catalogue import resolve
    from cai_core.models.weights import check_folder

    kind: type[TrainingConfig] = CONFIGS[method]
    config = seeded(running, _config(kind, options))
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


def _config(kind: type[TrainingConfig], options: Row) -> TrainingConfig:
    preset = options["preset"] or ""
    return load_config(kind, options["config"], options["overrides"], preset=preset)


def finished(running: Running, task: Task, run: Run) -> Row:
    running.say(f"{task.out}: {run.method}, {run.steps} steps in {run.train_seconds:.0f} s")
    for note in run.notes:
        running.say(f"  {note}")
    result: Row = {"out": str(task.out), "steps": run.steps, "metrics": plain(run.metrics)}
    return result | {"notes": list(run.notes)}
