"""`constitution lint|show|diff` read files of any form; the rest stands in `constitution_forms`."""

import json
from pathlib import Path

import click

from cai_core.cli.constitution_forms import FILE as _FILE
from cai_core.cli.constitution_forms import candidates, convert, export, import_
from cai_core.constitution import diff as differences
from cai_core.constitution import forms
from cai_core.constitution import lint as linting
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution


@click.group()
def constitution() -> None:
    """Lint, show, compare, convert, import and export constitutions."""


@constitution.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def lint(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Say what is wrong or unwise in FILES; exit 1 where one cannot be used."""
    found = [(path, finding) for path in files for finding in _findings(path)]
    if as_json:
        rows = [{"file": str(path), **vars(finding)} for path, finding in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for path, finding in found:
            click.echo(f"{path}: {finding}")
        if not found:
            click.echo("nothing to remark")
    ctx.exit(1 if any(finding.level == "error" for _, finding in found) else 0)


def _findings(path: Path) -> list[linting.Finding]:
    try:
        return linting.lint(_read(path))
    except ConstitutionError as error:
        message = str(error).removeprefix(str(path)).removeprefix(":").strip()
        return [linting.Finding("error", "", message)]


def _read(path: Path) -> Constitution:
    return forms.read_file(path).constitution


@constitution.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
def show(files: tuple[Path, ...]) -> None:
    """Print the principles of FILES in order, with the hash."""
    for path in files:
        read = _read(path)
        click.echo(
            f"{read.name}  {read.hash}  {len(read.enabled)} of {len(read.principles)} enabled"
        )
        for place, principle in enumerate(read.principles, start=1):
            weight = "" if principle.weight == 1 else f"  weight {principle.weight:g}"
            off = "" if principle.enabled else "  (disabled)"
            click.echo(f"{place:3}. {principle.key}{weight}{off}")
            click.echo(f"     {principle.text or principle.critique}")


@constitution.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
def diff(old: Path, new: Path) -> None:
    """Print what changed from OLD to NEW, principle by principle."""
    click.echo(differences.as_text(differences.compare(_read(old), _read(new))))


for _command in (import_, export, convert, candidates):
    constitution.add_command(_command)
