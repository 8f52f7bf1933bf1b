"""`train sft|reward|ppo|chain|dpo|rloo|grpo`: from a frozen dataset to a model folder.

Stopped or killed, the same command goes on from its newest whole checkpoint; a finished one has
nothing left to do; other settings in the same folder are refused.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cai_core.cli.duel import watching_of, watching_options
from cai_core.cli.running import Running, stage_options
from cai_core.cli.train_alternatives import dpo, grpo, rloo
from cai_core.cli.train_task import (
    PATH,
    finished,
    named,
    preset_option,
    seeded,
    task_of,
    task_options,
)
from cai_core.schema import Row
from cai_core.train.configs import ChainConfig, load_config


@click.group()
def train() -> None:
    """Train by SFT, a reward model, PPO or another method, or the chain of the three."""


for other in (dpo, rloo, grpo):
    train.add_command(other)


@train.command()
@task_options
@stage_options
def sft(running: Running, **options: Any) -> Row:
    """Fine-tune on the answers of an sft dataset."""
    task = task_of(running, "sft", options)
    from cai_core.train import sft as stage

    return finished(running, task, stage.train(task))


@train.command()
@task_options
@stage_options
def reward(running: Running, **options: Any) -> Row:
    """Train a reward model from soft preference labels."""
    task = task_of(running, "reward", options)
    from cai_core.train import reward as stage

    return finished(running, task, stage.train(task))


@train.command()
@task_options
@click.option("--reward-model", required=True, metavar="M", help="Id of a trained reward model.")
@watching_options
@stage_options
def ppo(running: Running, reward_model: str, **options: Any) -> Row:
    """Train a policy against a reward model; a judge that is not it may watch for its being gamed."""
    from cai_core.models.catalogue import resolve

    learned_from = resolve(reward_model)
    lineage = (named(options["model"]), named(reward_model))
    watching = watching_of(running, options, lineage=lineage)
    task = task_of(running, "ppo", options, reward_model=named(reward_model))
    task = replace(task, evaluation=watching.settings)
    from cai_core.train import ppo as stage

    made = stage.train(task, reward=learned_from, umpire=watching.umpire, safe=watching.safe)
    return finished(running, task, made)


@train.command()
@click.option("--config", type=PATH, required=True, help="The whole loop (YAML).")
@click.option("--out", type=PATH, required=True, help="Folder of the results.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One setting.")
@preset_option
@stage_options
def chain(
    running: Running, *, config: Path, out: Path, overrides: Sequence[str], preset: str | None
) -> Row:
    """SFT, pairs, judging, a gate, a reward model, its preview, PPO, a comparison, a report."""
    from cai_core.cli.chain import run_chain

    asked = seeded(running, load_config(ChainConfig, config, overrides, preset=preset or ""))
    return run_chain(running, asked, place=config.parent, out=out)
