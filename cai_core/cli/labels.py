"""`labels`: what is done with files of labels."""

import click

from cai_core.cli.labels_files import export, import_
from cai_core.cli.labels_learn import learn


@click.group()
def labels() -> None:
    """Learn a judge from people's verdicts, bring labels in and write them out."""


labels.add_command(learn)
labels.add_command(import_)
labels.add_command(export)
