"""`models`: list what can be chosen, fetch what is not here yet."""

import json
from dataclasses import asdict

import click

from cai_core.cli.models_merge import merge
from cai_core.cli.models_push import push
from cai_core.models import catalogue
from cai_core.settings import BUILTIN, Settings


@click.group()
def models() -> None:
    """List models, fetch the built-in one; merge adapters; push to the Hub."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def list_(as_json: bool) -> None:
    """List the models that can be chosen, and what those that are not ready lack."""
    found = catalogue.known(Settings.load())
    if as_json:
        click.echo(json.dumps([asdict(info) for info in found], ensure_ascii=False))
        return
    width = max(len(info.id) for info in found)
    for info in found:
        state = "ready" if info.ready else "not ready"
        click.echo(f"{info.id:<{width}}  {state:<9}  {info.note}".rstrip())


@models.command()
@click.argument("model_id", default=BUILTIN)
def fetch(model_id: str) -> None:
    """Bring a model to this machine, the built-in one by default; print its folder."""
    folder = catalogue.fetch(model_id, lambda line: click.echo(line, err=True))
    click.echo(folder)


models.add_command(push)
models.add_command(merge)
