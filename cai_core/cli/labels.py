"""`labels`: what is done with files of labels."""

import click

from cai_core.cli.labels_learn import learn


@click.group()
def labels() -> None:
    """Learn a judge from people's verdicts."""


labels.add_command(learn)
