"""`init`: make the workspace and put into it what ships. Again it adds only what is missing."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import click
from sqlite_utils import Database

from cai_core.errors import ConflictError
from cai_core.settings import DATA_DIR, Settings, home
from cai_core.store import constitutions, database, labels, pairs, prompts, seeds
from cai_core.store.database import write_tx

AUTHOR = "Ratify"
SAMPLE = "sample"  # the source that the shipped pairs name


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def init(as_json: bool) -> None:
    """Make the workspace in CAI_HOME and seed it with what ships."""
    made = make_workspace()
    if as_json:
        click.echo(json.dumps({"home": str(home()), "made": made}, ensure_ascii=False))
    else:
        click.echo(f"workspace {home()}: {', '.join(made) or 'everything was there'}")


def make_workspace(data: Path = DATA_DIR) -> list[str]:
    """Make and seed what is missing; what that was."""
    home().mkdir(parents=True, exist_ok=True)
    made = []
    if not (home() / "settings.yaml").exists():
        Settings().save()
        made.append("settings.yaml")
    db = database.connect()
    try:
        return made + [path.name for path in _shipped(data) if _seed(db, path, data)]
    finally:
        db.close()


def _shipped(data: Path) -> list[Path]:
    """Files in the order in which they are read: labels come after their pairs."""
    sample = (data / "sample" / name for name in ("pairs.jsonl", "labels.jsonl"))
    found = [*sorted(data.glob("constitutions/*.yaml")), *sorted(data.glob("prompts/*.jsonl"))]
    return [*found, *(path for path in sample if path.exists())]


def _seed(db: Database, path: Path, data: Path) -> bool:
    """Read one file unless this content was read before; whether it was read."""
    name, content = path.relative_to(data).as_posix(), path.read_bytes()
    if seeds.is_seeded(db, name, content):
        return False
    with write_tx(db):
        _READERS[path.stem if path.parent.name == SAMPLE else path.parent.name](db, path)
        seeds.mark(db, name, content)
    return True


def _constitution(db: Database, path: Path) -> None:
    """Version 1 under the shipped name; a constitution that is there is left alone."""
    from cai_core.constitution import document

    with suppress(ConflictError):
        constitutions.save(db, document.read(path), author=AUTHOR, message="as shipped")


def _prompts(db: Database, path: Path) -> None:
    from cai_core.curate import formats

    prompts.add(db, formats.read_prompts(path), set_name=path.stem)


def _pairs(db: Database, path: Path) -> None:
    from cai_core.curate import formats

    shipped = formats.read_pairs(path)
    pairs.add(db, shipped, source=SAMPLE)
    labels.add_imported(db, shipped, source=SAMPLE)


def _labels(db: Database, path: Path) -> None:
    from cai_core.curate import formats

    labels.add_many(db, formats.read_labels(path), job=f"file:{SAMPLE}", source=SAMPLE)


_READERS: Mapping[str, Callable[[Database, Path], None]] = {
    "constitutions": _constitution,
    "prompts": _prompts,
    "pairs": _pairs,
    "labels": _labels,
}
