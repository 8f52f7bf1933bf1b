"""`constitution import|export` reach the workspace; `convert|candidates` go from file to file."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from cai_core.cli.output import write_whole
from cai_core.cli.running import user_name
from cai_core.cli.workspace import require_workspace
from cai_core.constitution import forms, prose
from cai_core.constitution.forms import Form, Imported
from cai_core.constitution.plain_text import bytes_of
from cai_core.constitution.prose import Candidate
from cai_core.errors import ConstitutionError, DataError
from cai_core.schema import Constitution, Version

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_OUT = click.Path(path_type=Path, dir_okay=False)
_ALL = "all"


def _reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of what reads a file of any form."""
    for option in (
        click.option(
            "--accept", help="Of long prose: all, or keys of candidates with commas between."
        ),
        click.option("--name", "called", default="", help="The constitution's name."),
    ):
        command = option(command)
    return command


def _form_option(
    flag: str, among: Sequence[str], default: str, help_: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        flag, "form", type=click.Choice(among), default=default, show_default=True, help=help_
    )


@click.command("import")
@click.argument("file", type=FILE)
@_form_option("--form", ("auto", *forms.FORMS), "auto", "What FILE is.")
@_reading
@click.option("--author", default=user_name, show_default="your user name")
@click.option("--message", default="", help="What changed and why.")
def import_(
    file: Path, form: str, called: str, accept: str | None, author: str, message: str
) -> None:
    """Save FILE as the newest version of its constitution in the workspace."""
    from cai_core.errors import NotFoundError
    from cai_core.store import constitutions, database

    read = _brought(file, _form(form), called, accept)
    require_workspace()
    db = database.connect()
    try:
        try:
            parent = constitutions.newest(db, read.constitution.name).id
        except NotFoundError:
            parent = None
        said = message or f"from {file.name}"
        version = constitutions.save(
            db, read.constitution, author=author, message=said, parent=parent
        )
    finally:
        db.close()
    same = "is already" if version.id == parent else "is saved as"
    click.echo(
        f"'{version.constitution.name}' {same} version {version.number}"
        f" ({version.constitution.hash})"
    )
    _say(read.left_out, "not taken over")


@click.command()
@click.argument("name")
@click.option("--version", "number", type=int, help="By default the newest.")
@_form_option("--form", forms.OUT, "yaml", "What to write.")
@click.option("--out", type=_OUT, help="By default it is printed.")
def export(name: str, number: int | None, form: Form, out: Path | None) -> None:
    """Write constitution NAME of the workspace, in YAML or another form."""
    _write(_version(name, number).constitution, form, out)


@click.command()
@click.argument("file", type=FILE)
@_form_option("--form", forms.OUT, "yaml", "What to write.")
@click.option("--from", "source", type=click.Choice(("auto", *forms.FORMS)), default="auto")
@_reading
@click.option("--out", type=_OUT, help="By default it is printed.")
def convert(
    file: Path, form: Form, source: str, called: str, accept: str | None, out: Path | None
) -> None:
    """Write FILE in another form; needs no workspace."""
    read = _brought(file, _form(source), called, accept)
    _say(read.left_out, "not taken over")
    _write(read.constitution, form, out)


@click.command()
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, with their passages.")
def candidates(file: Path, as_json: bool) -> None:
    """Print what could be principles in the long prose of FILE; `import --accept KEYS` takes some."""
    found = prose.candidates(bytes_of(file), name=str(file))
    if as_json:
        click.echo(json.dumps([vars(one) for one in found], ensure_ascii=False))
        return
    section = ""
    for one in found:
        if one.section != section:
            section = one.section
            click.echo(f"\n{section or 'without a heading'}")
        click.echo(f"{one.line:6}  {one.key}\n        {one.wording}")
    click.echo(
        f"\n{len(found)} candidates; take some with --accept KEY,KEY or all of them", err=True
    )


def _form(chosen: str) -> Form | None:
    return next((form for form in forms.FORMS if form == chosen), None)


def _brought(file: Path, form: Form | None, called: str, accept: str | None) -> Imported:
    """The file as a constitution; of prose, the candidates that were accepted."""
    data = bytes_of(file)
    chosen = form or ("prose" if accept else forms.recognise(data, name=str(file)))
    if chosen != "prose":
        if accept:
            raise DataError(f"--accept is for prose, and not for {forms.TITLES[chosen]}")
        return forms.read(data, name=str(file), form=chosen, called=called)
    if not accept:
        raise ConstitutionError(
            f"{file}: is long prose; look at `constitution candidates {file}`, then give --accept"
            " with the keys of those you want, or with all"
        )
    taken = _accepted(prose.candidates(data, name=str(file)), accept)
    name = forms.name_of(called) or forms.name_of(file.stem)
    return Imported("prose", Constitution(name, tuple(c.principle for c in taken)).check())


def _accepted(found: Sequence[Candidate], accept: str) -> list[Candidate]:
    if accept.strip() == _ALL:
        return list(found)
    wanted = [key.strip() for key in accept.split(",") if key.strip()]
    unknown = sorted(set(wanted) - {candidate.key for candidate in found})
    if unknown or not wanted:
        raise DataError(f"there is no candidate '{', '.join(unknown)}'; `candidates` lists them")
    return [candidate for candidate in found if candidate.key in wanted]


def _write(constitution: Constitution, form: Form, out: Path | None) -> None:
    written = forms.write(constitution, form)
    if out is None:
        click.echo(written.text, nl=not written.text.endswith("\n"))
    else:
        _put(out, written.text)
        click.echo(f"{out}: '{constitution.name}' as {forms.TITLES[form]}")
    _say(written.left_out, "not held")


def _put(out: Path, text: str) -> None:
    """Write it, unless another file stands there."""
    if out.exists():
        if out.read_bytes() == text.encode():
            return
        raise DataError("is there already; remove it or choose another name", file=str(out))
    write_whole(out, text)


def _say(left_out: Sequence[str], what: str) -> None:
    for sentence in left_out:
        click.echo(f"{what}: {sentence}", err=True)


def _version(name: str, number: int | None) -> Version:
    from cai_core.store import constitutions, database

    require_workspace()
    db = database.connect()
    try:
        newest = constitutions.newest(db, name)
        return newest if number is None else constitutions.numbered(db, name, number)
    finally:
        db.close()
