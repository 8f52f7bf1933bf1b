"""`labels import|export`: labels of other tools into the workspace, and its labels into files."""

import gc
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
from sqlite_utils import Database

from cai_core.cli.progress_line import ProgressLine
from cai_core.cli.running import StopFlag, stop_on_signals
from cai_core.cli.workspace import workspace
from cai_core.curate import label_files, label_merge
from cai_core.curate.label_files import FORMS, OUT, TITLES, Form, LabelFile
from cai_core.curate.label_json import NAMELESS
from cai_core.curate.label_merge import Checked, Merged
from cai_core.curate.read_ahead import read_ahead
from cai_core.errors import DataError
from cai_core.review.annotators import table
from cai_core.schema import SPLITS, Hooks, Row
from cai_core.store import label_merging, labels
from cai_core.store.label_stream import LabelChoice, event_of, stream
from cai_core.store.labels import StoredLabel

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
AGREEMENT = "agreement"
MANY = 5_000  # labels from which a second process that reads them is worth starting


@click.command("import")
@click.argument("files", metavar="FILE...", type=_FILE, nargs=-1, required=True)
@click.option(
    "--as", "form", type=click.Choice(FORMS), help="What FILE is; by default it is recognised."
)
@click.option(
    "--annotator", default=NAMELESS, show_default=True, help="Who gave verdicts that name nobody."
)
@click.option(
    "--source", default="", help="What new pairs name as their source; by default the file's name."
)
@click.option(
    "--on-conflict",
    type=click.Choice(["keep", "append"]),
    default="keep",
    show_default=True,
    help="Where an annotator says another thing than what stands: keep that, or let the file stand on top.",
)
@click.option("--skip-bad", is_flag=True, help="Leave bad rows out and list them.")
@click.option("--dry-run", is_flag=True, help="Say what would come in, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def import_(files: Sequence[Path], *, form: Form | None, annotator: str, **options: Any) -> None:
    """Bring labels made elsewhere into the workspace; those that stand there already add nothing.

    A bad row is named with its file and line, and then nothing is written.
    """
    opened = [label_files.open_labels(path, form=form, annotator=annotator) for path in files]
    line, flag = ProgressLine(sys.stderr), StopFlag()
    hooks = Hooks(line.show, lambda: flag.asked)
    try:
        with workspace() as db, stop_on_signals(flag), _no_collector():
            checked = [
                label_merge.check(file, skip_bad=options["skip_bad"], hooks=hooks)
                for file in opened
            ]
            line.close()  # the second pass has a pace of its own
            merged = [_merged(db, one, options, hooks) for one in checked]
    finally:
        line.close()
    _report(opened, merged, options)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Rows make no cycles: looking for some among all that is held took a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _merged(db: Database, checked: Checked, options: Row, hooks: Hooks) -> Merged:
    """Merge one file in chunks; a chunk is one transaction."""
    source = options["source"] or source_of(checked.file.path)
    keep = partial(labels.add_many, db, source=source)
    return label_merge.merge(
        checked,
        partial(label_merging.said_on, db),
        keep=None if options["dry_run"] else keep,
        rows=read_ahead(checked.file) if checked.labels > MANY else None,
        on_conflict=options["on_conflict"],
        hooks=hooks,
    )


def source_of(path: Path) -> str:
    """
    >>> source_of(Path("of/team labels.jsonl.gz"))
    'team labels'
    """
    return path.name.removesuffix(".gz").rpartition(".")[0] or path.name


def _report(files: Sequence[LabelFile], merged: Sequence[Merged], options: Row) -> None:
    total = sum(merged, Merged())
    for bad in total.bad:
        click.echo(f"skipped: {bad}", err=True)
    if options["as_json"]:
        forms = {file.name: file.form for file in files}
        row = total.to_row() | {"forms": forms, "dry_run": options["dry_run"]}
        click.echo(json.dumps(row | {"on_conflict": options["on_conflict"]}, ensure_ascii=False))
        return
    for file, one in zip(files, merged, strict=True):
        click.echo(f"{file.name}: {TITLES[file.form]}, {label_merge.sentence(one)}")
    for conflict in total.first:
        click.echo(f"  {conflict}")
    if total.conflicts > len(total.first):
        click.echo(f"  and {total.conflicts - len(total.first)} more")
    if total.conflicts:
        click.echo(label_merge.fate_of_conflicts(total, options["on_conflict"]))
    if options["dry_run"]:
        click.echo("nothing was written: --dry-run")


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option(
    "--as", "form", type=click.Choice([*OUT, AGREEMENT]), default="labels", show_default=True
)
@click.option(
    "--events", is_flag=True, help="Every event, undone ones too, not what stands (labels only)."
)
@click.option("--judge", "judges", multiple=True, metavar="M", help="Only of this judge; repeat.")
@click.option(
    "--person", "people", multiple=True, metavar="NAME", help="Only of this person; repeat."
)
@click.option("--split", type=click.Choice(SPLITS))
@click.option(
    "--constitution", default="", metavar="NAME|HASH", help="Only judgements under this one."
)
@click.option("--source", default="", help="Only of pairs from this source.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def export(out: Path, *, form: str, events: bool, as_json: bool, **chosen: Any) -> None:
    """Write labels of the workspace to a file, by default as JSON lines with everything in them."""
    if events and form != "labels":
        raise click.UsageError("--events is for --as labels")
    if out.exists():
        raise DataError("is there already; remove it or choose another name", file=str(out))
    with workspace() as db:
        written = _write(out, form, db, LabelChoice(**chosen), events=events)
    if as_json:
        click.echo(json.dumps(written | {"out": str(out), "form": form}))
        return
    click.echo(f"{out}: {written['labels']} labels")
    if written["not_held"]:
        click.echo(f"not held: {written['not_held']}", err=True)


def _write(out: Path, form: str, db: Database, choice: LabelChoice, *, events: bool) -> Row:
    """The whole file or none of it."""
    count = _Count()
    found = count.through(stream(db, choice, events=events))
    if form == AGREEMENT:
        pieces: Iterable[str] = [table(one.label for one in found)]
    elif events:
        pieces = label_files.lines(label_files.event_row(one.label, event_of(one)) for one in found)
    else:
        known = next(one for one in OUT if one == form)
        pieces = label_files.pieces((one.label for one in found), known)
    part = out.with_name(out.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        if not count.labels:
            raise DataError("no label passes these filters; nothing was written")
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    not_held = next((text for known, text in label_files.NOT_HELD.items() if known == form), "")
    return {"labels": count.labels, "not_held": not_held}


class _Count:
    """How many labels went through."""

    labels = 0

    def through(self, found: Iterable[StoredLabel]) -> Iterator[StoredLabel]:
        for one in found:
            self.labels += 1
            yield one
