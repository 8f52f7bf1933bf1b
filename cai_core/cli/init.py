"""`init`: make the workspace and put into it what ships. Again it only adds what is missing."""

import json
from pathlib import Path

import click
from sqlite_utils import Database

from cai_core.constitution import document
from cai_core.curate import formats
from cai_core.errors import ConflictError
from cai_core.settings import DATA_DIR, Settings, home
from cai_core.store import constitutions, database, labels, pairs, prompts
from cai_core.store.database import first, insert, now, write_tx

AUTHOR = "Ratify"
SAMPLE = "sample"  # the source of the shipped pairs


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def init(as_json: bool) -> None:
    """Make the workspace in CAI_HOME and seed it with what ships."""
    made = make_workspace()
    if as_json:
        click.echo(json.dumps({"home": str(home()), "made": made}))
    else:
        said = ", ".join(made) if made else "everything was there"
        click.echo(f"workspace {home()}: {said}")


def make_workspace(data: Path = DATA_DIR) -> list[str]:
    """Make what is missing and seed what was never seeded; what that was, in words."""
    home().mkdir(parents=True, exist_ok=True)
    made = []
    if not (home() / "settings.yaml").exists():
        Settings().save()
        made.append("settings")
    db = database.connect()
    try:
        return made + [said for path in _shipped(data) if (said := _seed(db, path, data))]
    finally:
        db.close()


def _shipped(data: Path) -> list[Path]:
    """Files in the order in which they are seeded: labels come after their pairs."""
    sample = [data / "sample" / name for name in ("pairs.jsonl", "labels.jsonl")]
    found = [*sorted(data.glob("constitutions/*.yaml")), *sorted(data.glob("prompts/*.jsonl"))]
    return [*found, *(path for path in sample if path.exists())]


def _seed(db: Database, path: Path, data: Path) -> str:
    """Read one shipped file, once in the life of a workspace; what came, "" where nothing did."""
    name = path.relative_to(data).as_posix()
    if first(db, "SELECT 1 FROM seeds WHERE name = ?", [name]):
        return ""
    with write_tx(db):
        if not insert(db, "seeds", {"name": name, "created": now()}, seen="IGNORE"):
            return ""  # another init was faster
        return _READERS[path.parent.name, path.suffix](db, path)
