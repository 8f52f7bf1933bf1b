"""`constitution lint|show|diff` read files of any form; the rest stands in `constitution_forms` and `suite`."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from cai_core.cli.constitution_forms import FILE as _FILE
from cai_core.cli.constitution_forms import candidates, convert, export, import_
from cai_core.cli.suite import run_suite
from cai_core.constitution import diff as differences
from cai_core.constitution import forms, rules
from cai_core.constitution import lint as linting
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution


@click.group()
def constitution() -> None:
    """Lint, show, compare, test, convert, import and export constitutions."""


@constitution.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--judge", help="A model id: say too what is long for this judge's window.")
@click.option(
    "--principles",
    type=click.Choice(["whole", "each", "draw"]),
    help="How the judge is asked, all in one question or each alone; else as the settings say.",
)
@click.pass_context
def lint(
    ctx: click.Context,
    files: tuple[Path, ...],
    *,
    as_json: bool,
    judge: str | None,
    principles: str | None,
) -> None:
    """Say what is wrong or unwise in FILES, why, and where that comes from.

    Exit 1 where one cannot be used. docs/lint.md lists the rules.
    """
    window = _window(judge, principles) if judge else None
    found = [(path, finding) for path in files for finding in _findings(path, window)]
    if as_json:
        rows = [{"file": str(path), **finding.to_row()} for path, finding in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
    else:
        _say(found)
    ctx.exit(1 if any(finding.level == "error" for _, finding in found) else 0)


def _say(found: Sequence[tuple[Path, rules.Finding]]) -> None:
    """Every finding on a line, then each rule once with its reason and source."""
    for path, finding in found:
        click.echo(f"{path}: {finding}")
    if not found:
        click.echo("nothing to remark")
    for rule in dict.fromkeys(finding.rule for _, finding in found):
        click.echo(f"\n{rule.name}\n  why: {rule.reason}\n  source: {rule.source}")


def _window(judge: str, principles: str | None) -> linting.Window | None:
    """The judge's window; what is not known of it is said on stderr.

    Raises:
        CaiError: no model id, or an endpoint that the settings do not name.
    """
    from cai_core.feedback.comparison import whole_question
    from cai_core.models import catalogue
    from cai_core.models.ruler import ruler_of
    from cai_core.settings import Settings

    settings = Settings.load()
    kind, name = catalogue.parse(judge)
    if kind == "endpoint":
        settings.endpoint(name.partition("/")[0])
    ruler = ruler_of(judge, settings)
    if not ruler.exact:
        click.echo(f"{judge}: tokens are estimated by characters: {ruler.why_estimate}", err=True)
    if not ruler.knows_window:
        click.echo(f"{judge}: its window is not known, so nothing is said of it", err=True)
        return None
    in_one = whole_question if (principles or settings.judge.principles) == "whole" else None
    return linting.Window(judge, ruler.context, ruler.count_text, in_one)


def _findings(path: Path, window: linting.Window | None) -> list[rules.Finding]:
    try:
        return linting.lint(_read(path), window)
    except ConstitutionError as error:
        message = str(error).removeprefix(str(path)).removeprefix(":").strip()
        return [rules.Finding("error", rules.UNREADABLE, "", message)]


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


for _command in (run_suite, import_, export, convert, candidates):
    constitution.add_command(_command)
