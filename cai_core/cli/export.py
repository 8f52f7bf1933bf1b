"""`export openrlhf|verl`: datasets, settings and start commands for trainers of other projects."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.running import Running, stage_options
from cai_core.schema import Row

if TYPE_CHECKING:
    from cai_core.train.export.material import Configs, Target
    from cai_core.train.rows import Kind, TrainingData

_PATH = click.Path(path_type=Path, exists=True)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def export() -> None:
    """Write data, settings and commands for another project's trainer."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What both targets take."""
    made_of = (
        click.option("--sft", type=_PATH, help="SFT dataset."),
        click.option("--preference", type=_PATH, help="Preference dataset."),
        click.option("--prompts", type=_PATH, help="Dataset of prompts, for PPO."),
        click.option("--model", required=True, metavar="M", help="Where training starts."),
        click.option(
            "--reward-model", default="", metavar="M", help="Begins PPO's value model too."
        ),
        click.option("--reward-url", help="Where `serve-reward` will answer."),
        click.option("--sft-config", type=_FILE, help="Settings of SFT (YAML)."),
        click.option("--reward-config", type=_FILE, help="Settings of a reward model (YAML)."),
        click.option("--ppo-config", type=_FILE, help="Settings of PPO (YAML)."),
        click.option("--gpus", type=click.IntRange(1), default=8, show_default=True),
        click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder."),
    )
    for option in reversed(made_of):
        command = option(command)
    return command


@export.command()
@_options
@click.option(
    "--soft",
    type=click.Choice(["harden", "repeat"]),
    default="harden",
    show_default=True,
    help="Soft labels: the likelier side, or each pair ten times.",
)
@stage_options
def openrlhf(running: Running, **options: Any) -> Row:
    """JSON lines and commands for OpenRLHF: SFT, a reward model, PPO."""
    return _write(running, "openrlhf", options)


@export.command()
@_options
@stage_options
def verl(running: Running, **options: Any) -> Row:
    """Parquet, commands and a reward function for verl: SFT and PPO."""
    return _write(running, "verl", options)


def _write(running: Running, target: "Target", options: Row) -> Row:
    from cai_core.train.export import folder
    from cai_core.train.export.material import REWARD_URL, Material

    reward = _place(options["reward_model"]) if options["reward_model"] else ""
    material = Material(
        _place(options["model"]),
        _data(options),
        reward_model=reward,
        value_model="" if _is_frozen(reward) else reward,
        configs=_configs(options),
        reward_url=options["reward_url"] or REWARD_URL,
        soft=options.get("soft", "harden"),
        gpus=options["gpus"],
    )
    written = folder.write(target, material, options["out"])
    running.say(f"{written.out}: {', '.join(written.stages)} for {target}, see README.md")
    for stage in written.stages.values():
        for note in stage.notes:
            running.say(f"  {note}")
    return {"out": str(written.out), "scripts": list(written.stages), "rows": dict(written.rows)}


def _place(model_id: str) -> str:
    """The folder of a model here; a Hub name that is not here stays a name, for the machine that trains."""
    from cai_core.errors import ModelError
    from cai_core.models.catalogue import parse, resolve

    kind, name = parse(model_id)
    try:
        return str(resolve(model_id))
    except ModelError:
        if kind == "hf":
            return name
        raise


def _is_frozen(reward_model: str) -> bool:
    """Whether it is a head without a model of its own, see `train.rewards.frozen`."""
    return bool(reward_model) and (Path(reward_model) / "head.safetensors").exists()


def _data(options: Row) -> "dict[Kind, TrainingData]":
    from cai_core.train.rows import TrainingData

    kinds: tuple[Kind, ...] = ("sft", "preference", "prompts")
    return {kind: TrainingData.load(options[kind], kind) for kind in kinds if options[kind]}


def _configs(options: Row) -> "Configs":
    from cai_core.train.configs import PpoConfig, RewardConfig, SftConfig, load_config
    from cai_core.train.export.material import Configs

    return Configs(
        load_config(SftConfig, options["sft_config"], ()),
        load_config(RewardConfig, options["reward_config"], ()),
        load_config(PpoConfig, options["ppo_config"], ()),
    )
