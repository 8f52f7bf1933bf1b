"""Folders that are whole or are not there: checkpoints and results.

transformers writes a checkpoint file by file, and resuming from a truncated one crashes. So a
folder counts only once it holds a COMPLETE marker with the size of every file, written last and
flushed to the disk with them.
"""

import json
import os
import shutil
from pathlib import Path

from cai_core.errors import TrainError
from cai_core.schema import Row, canonical_json

MARKER = "COMPLETE"
CHECKPOINTS = "checkpoints"
SECONDS = "seconds.json"
_BEGUN = "begun.json"
WATCH = "watch"  # what a run shows of itself goes on changing
_LEFT_OUT = (CHECKPOINTS, WATCH, MARKER, f"{MARKER}.part")


def mark_complete(folder: Path) -> None:
    """Flush every file of `folder` to the disk, then write the marker."""
    sizes = _sizes(folder)
    for name in sizes:
        _flush(folder / name)
    part = folder / f"{MARKER}.part"
    part.write_text(json.dumps(sizes, indent=0, sort_keys=True), encoding="utf-8")
    _flush(part)
    part.replace(folder / MARKER)
    _flush(folder)


def is_complete(folder: Path) -> bool:
    """Whether the marker is there and every file still has the size that it names."""
    try:
        sizes = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return bool(sizes) and all(
            (folder / name).stat().st_size == size for name, size in sizes.items()
        )
    except (OSError, ValueError, AttributeError):
        return False


def newest_valid(folder: Path) -> Path | None:
    """The complete checkpoint with the most steps below `folder`; None where there is none."""
    return next((path for path in reversed(_checkpoints(folder)) if is_complete(path)), None)


def discard_broken(folder: Path) -> list[Path]:
    """Delete checkpoints that are not complete, so that no later file mixes with theirs."""
    broken = [path for path in _checkpoints(folder) if not is_complete(path)]
    for path in broken:
        shutil.rmtree(path)
    return broken


def keep_newest(folder: Path, *, count: int = 2, best: int | None = None) -> None:
    """Delete all but the newest complete checkpoints and that of step `best`.

    Two are kept, in case one cannot be read back.
    """
    complete = [path for path in _checkpoints(folder) if is_complete(path)]
    for path in complete[:-count]:
        if path.name == f"checkpoint-{best}":
            continue
        (path / MARKER).unlink()
        shutil.rmtree(path)


def seconds(checkpoint: Path) -> float:
    """How long the training had taken when `checkpoint` was written, over all attempts."""
    path = checkpoint / SECONDS
    return float(path.read_text()) if path.exists() else 0.0


def begin(out: Path, settings: Row) -> None:
    """Claim `out` for a run with these settings, or find that the same run began there before.

    Raises:
        TrainError: other settings began there (says which differ), or it holds something else.
    """
    begun = out / _BEGUN
    if begun.exists():
        difference = _difference(_read_begun(begun), json.loads(canonical_json(settings)))
        if difference:
            raise TrainError(
                f"{out} was begun with other settings: {difference}; use the same ones to go on,"
                " or another --out"
            )
        return
    if out.exists() and any(out.iterdir()):
        raise TrainError(f"{out} is not empty and was not begun by this command; use another --out")
    out.mkdir(parents=True, exist_ok=True)
    part = begun.with_suffix(".part")
    part.write_text(json.dumps(settings, indent=2, sort_keys=True), encoding="utf-8")
    _flush(part)
    part.replace(begun)
    _flush(out)


def abandon_if_empty(out: Path) -> None:
    """Give `out` back where nothing was made in it, so that other settings may begin there."""
    if newest_valid(out / CHECKPOINTS) or {p.name for p in out.iterdir()} - {
        _BEGUN,
        CHECKPOINTS,
        WATCH,
    }:
        return
    shutil.rmtree(out)


def finish(out: Path) -> None:
    """Mark the result in `out` as whole and drop the checkpoints that led to it."""
    mark_complete(out)
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)


def _checkpoints(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("checkpoint-*") if path.name[11:].isdigit()]
    return sorted(found, key=lambda path: int(path.name[11:]))


def _sizes(folder: Path) -> dict[str, int]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    names = {path.relative_to(folder): path for path in files}
    return {
        name.as_posix(): path.stat().st_size
        for name, path in names.items()
        if name.parts[0] not in _LEFT_OUT
    }


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_begun(path: Path) -> Row:
    try:
        value: Row = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainError(f"{path} cannot be read; use another --out") from error
    return value


def _difference(old: Row, new: Row, prefix: str = "") -> str:
    """The settings that differ, as `name was X and is now Y`."""
    said = []
    for key in sorted(old.keys() | new.keys()):
        before, now = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(now, dict):
            said.append(_difference(before, now, f"{prefix}{key}."))
        elif before != now:
            said.append(f"{prefix}{key} was {before} and is now {now}")
    return ", ".join(part for part in said if part)
