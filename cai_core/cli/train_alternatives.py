"""`train dpo|rloo|grpo`: TRL's own trainers on the same datasets, with the same result."""

from typing import Any

import click

from cai_core.cli.running import Running, stage_options
from cai_core.cli.train_task import finished, named, task_of, task_options
from cai_core.schema import Row
from cai_core.train.configs import Method

against = click.option(
    "--reward-model", required=True, metavar="M", help="Id of a trained reward model."
)


@click.command()
@task_options
@stage_options
def dpo(running: Running, **options: Any) -> Row:
    """Train a policy on preference pairs, without a reward model."""
    task = task_of(running, "dpo", options)
    from cai_core.train import alternatives as stage

    return finished(running, task, stage.train_on_pairs(task))


@click.command()
@task_options
@against
@stage_options
def rloo(running: Running, **options: Any) -> Row:
    """Train a policy against a reward model by RLOO."""
    return _online(running, "rloo", options)


@click.command()
@task_options
@against
@stage_options
def grpo(running: Running, **options: Any) -> Row:
    """Train a policy against a reward model by GRPO."""
    return _online(running, "grpo", options)


def _online(running: Running, method: Method, options: Row) -> Row:
    from cai_core.models.catalogue import resolve

    asked = options.pop("reward_model")
    judge = resolve(asked)
    task = task_of(running, method, options, reward_model=named(asked))
    from cai_core.train import alternatives as stage

    return finished(running, task, stage.train_online(task, reward=judge))
