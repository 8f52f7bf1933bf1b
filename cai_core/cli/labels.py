"""`labels`: what is done with files of labels."""

import click

from cai_core.cli.labels_certificate import certificate
from cai_core.cli.labels_files import export, import_
from cai_core.cli.labels_learn import learn


@click.group()
def labels() -> None:
    """Say how right labels are, learn a judge from people's, bring them in and write them out."""


labels.add_command(certificate)
labels.add_command(learn)
labels.add_command(import_)
labels.add_command(export)
