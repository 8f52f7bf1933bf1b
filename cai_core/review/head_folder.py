"""A learned judge on disk: HEAD/head.json says what it is, HEAD/head.safetensors holds its numbers."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from cai_core.errors import CaiError, DataError
from cai_core.review.head import Fit, Head, told
from cai_core.schema import Row
from cai_core.settings import heads_dir, runs_dir
from cai_core.stats import Estimate

FILE, NUMBERS = "head.json", "head.safetensors"


def save(head: Head, folder: Path) -> Path:
    """Write the head whole or not at all; the same head again changes nothing.

    Raises:
        CaiError: something else is there.
    """
    from safetensors.numpy import save_file

    refuse_other(folder)
    if is_head(folder) and load(folder).id != head.id:
        raise CaiError(
            f"{folder} holds another learned judge; move it away or choose another folder"
        )
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    numbers = ("direction", "scale", "cross_fitted")
    save_file({name: getattr(head.fit, name) for name in numbers}, new / NUMBERS)
    (new / FILE).write_text(json.dumps(_row(head), indent=1, ensure_ascii=False), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    return folder


def refuse_other(folder: Path) -> None:
    """Raises CaiError: something that is no head is in this place."""
    if folder.exists() and not is_head(folder) and (folder.is_file() or any(folder.iterdir())):
        raise CaiError(f"{folder} holds something else; move it away or choose another folder")


def load(folder: Path) -> Head:
    """Raises DataError: no head, or one that cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not is_head(folder):
        raise DataError(f"{folder} holds no {FILE}; give the folder that `labels learn` wrote")
    try:
        row = json.loads((folder / FILE).read_text(encoding="utf-8"))
        numbers = load_file(folder / NUMBERS)
        fit = Fit(**numbers, agreement=Estimate(**row["agreement"]), c=row["c"])
        names = ("model", "fingerprint", "verdicts", "table", "taught_by", "created")
        head = Head(fit, version=row["features"], **{name: row[name] for name in names})
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise DataError(f"the learned judge in {folder} cannot be read: {error}") from error
    if head.id != row["id"]:
        raise DataError(f"{folder / FILE} was changed: it is no longer the head {row['id']}")
    return head


def is_head(folder: Path) -> bool:
    return (folder / FILE).is_file()


def names_head(judge: str) -> bool:
    """Whether a judge is named that was learned: head:ID, or a folder of one."""
    return judge.startswith("head:") or is_head(Path(judge).expanduser())


def find(judge: str) -> Head:
    """The head of `head:ID` or of a folder; those of the workspace and of its jobs are known by id.

    Raises:
        DataError: there is none, or it cannot be read.
    """
    kind, _, wanted = judge.partition(":")
    if kind != "head":
        return load(Path(judge).expanduser())
    for folder in known():
        if folder.name == wanted or _id(folder) == wanted:
            return load(folder)
    raise DataError(
        f"there is no learned judge '{wanted}' in {heads_dir()} or {runs_dir()}; make one by"
        " `labels learn`, or name its folder"
    )


def known() -> Iterator[Path]:
    """Folders of the workspace's heads: those kept, then what jobs made, newest first."""
    yield from filter(is_head, sorted(heads_dir().glob("*")))
    made = filter(is_head, runs_dir().glob("*/out"))
    yield from sorted(made, key=lambda out: out.parent.name, reverse=True)


def keep(head: Head) -> Path:
    """Save it among the workspace's heads, under its id."""
    return save(head, heads_dir() / head.id)


def _id(folder: Path) -> str:
    try:
        return str(json.loads((folder / FILE).read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # unreadable, so not the one that is looked for


def _row(head: Head) -> Row:
    return {
        "id": head.id,
        "model": head.model,
        "fingerprint": head.fingerprint,
        "features": head.version,
        "c": head.fit.c,
        "pairs": head.pairs,
        "taught": told(head.taught_by),
        "taught_by": dict(head.taught_by),
        "verdicts": head.verdicts,
        "agreement": asdict(head.fit.agreement),
        "created": head.created,
        "table": dict(head.table),
    }
