"""Frozen datasets: a folder of train.jsonl, dev.jsonl, test.jsonl and manifest.json.

`freeze` gives every row its split and writes the folder once, whole or not at all.
"""

import datetime
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cai_core import __version__
from cai_core.curate.filters import Filters
from cai_core.curate.pool import DatasetRow, Kind, Pool
from cai_core.curate.split import assign
from cai_core.errors import DataError
from cai_core.schema import CORRECTED, SPLITS, Row, Split

CERTIFICATE = "certificate.json"  # beside the manifest, where one was stamped later


@dataclass(frozen=True)
class Origin:
    """What a manifest says beyond the rows: settings, input hashes, the seed, the labels' certificate.

    `labels` says how judges were calibrated and how reliable people are: `calibration` and `reliability`,
    each with its `words`; of helpful labels the same under `helpful`.
    """

    filters: Filters = field(default_factory=Filters)
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    share: float | None = None
    certificate: Mapping[str, Any] | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A frozen dataset on disk."""

    path: Path
    manifest: Row

    @property
    def kind(self) -> Kind:
        kind: Kind = self.manifest["kind"]
        return kind

    @property
    def hash(self) -> str:
        return str(self.manifest["hash"])

    @property
    def certificate(self) -> Row | None:
        """How often its labels agree with people: stamped on it, else known when it was frozen."""
        return stamped(self.path) or self.manifest.get("certificate")

    def rows(self, split: Split) -> list[Row]:
        lines = (self.path / f"{split}.jsonl").read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines if line]


def freeze(
    pool: Pool,
    path: Path,
    origin: Origin | None = None,
    *,
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
) -> Snapshot:
    """Split the rows and write the folder, whole or not at all; the same content again is left alone.

    Raises:
        DataError: nothing to write, or something else stands at `path`.
    """
    if not pool.rows:
        left_out = ", ".join(f"{n} {reason}" for reason, n in pool.dropped.items())
        raise DataError(f"no row is left for a dataset ({left_out or 'there was none'})")
    splits = assign([row.prompt for row in pool.rows], [row.split for row in pool.rows])
    by_split: dict[Split, list[DatasetRow]] = {split: [] for split in SPLITS}
    for row, split in zip(pool.rows, splits, strict=True):
        by_split[split].append(row)
    files = {split: _jsonl(rows) for split, rows in by_split.items()}
    manifest = _manifest(pool, by_split, files, origin or Origin())
    if path.exists():
        return _there_already(path, manifest)
    manifest["created"] = now().isoformat(timespec="seconds")
    _write(path, files, manifest)
    return Snapshot(path, manifest)


def read(path: Path) -> Snapshot:
    """Open a frozen dataset and check that nobody changed it.

    Raises:
        DataError: no dataset, or its files are not those that were frozen.
    """
    file = path / "manifest.json"
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        contents = {split: (path / f"{split}.jsonl").read_bytes() for split in SPLITS}
    except (OSError, ValueError) as error:
        raise DataError(
            f"there is no frozen dataset at {path}; build one with `dataset build`"
        ) from error
    if not isinstance(manifest, dict) or manifest.get("kind") not in (
        "sft",
        "preference",
        "prompts",
    ):
        raise DataError("the manifest names no kind of dataset", file=str(file))
    if _hash(contents) != manifest.get("hash"):
        raise DataError(f"the dataset at {path} was changed after it was frozen; build it anew")
    return Snapshot(path, manifest)


def stamp(path: Path, certificate: Row) -> None:
    """Lay a certificate beside the files of a dataset, which stay as they are; the last one counts."""
    part = path / f"{CERTIFICATE}.part"
    part.write_text(json.dumps(certificate, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path / CERTIFICATE)


def stamped(path: Path) -> Row | None:
    """The certificate that lies beside the files; None where none can be read."""
    try:
        found = json.loads((path / CERTIFICATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def label_words(manifest: Row) -> list[str]:
    """How judges were calibrated and how far people are trusted, a line each; none in older manifests."""
    found = manifest.get("labels") or {}
    parts = [("", found), ("helpful pairs: ", found.get("helpful") or {})]
    return [
        f"{whose}{said['words']}"
        for whose, part in parts
        for name in ("calibration", "reliability")
        if (said := part.get(name))
    ]


def export_parquet(snapshot: Snapshot, out: Path) -> list[Path]:
    """One Parquet file a split that has rows."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    written = []
    for split, rows in _filled(snapshot, out):
        table = pa.Table.from_pylist(rows)
        for place, column in enumerate(table.schema):
            if pa.types.is_null(
                column.type
            ):  # a probability that no row has: the same type in every split
                empty = table.column(place).cast(pa.float64())
                table = table.set_column(place, column.name, empty)
        pq.write_table(table, out / f"{split}.parquet")
        written.append(out / f"{split}.parquet")
    return written


def export_jsonl(snapshot: Snapshot, out: Path) -> list[Path]:
    """One JSONL file a split that has rows."""
    written = []
    for split, _ in _filled(snapshot, out):
        shutil.copyfile(snapshot.path / f"{split}.jsonl", out / f"{split}.jsonl")
        written.append(out / f"{split}.jsonl")
    return written


def _filled(snapshot: Snapshot, out: Path) -> list[tuple[Split, list[Row]]]:
    if out.exists() and any(out.iterdir()):
        raise DataError(f"{out} is not empty; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    found = [(split, snapshot.rows(split)) for split in SPLITS]
    return [(split, rows) for split, rows in found if rows]


def _manifest(
    pool: Pool,
    by_split: Mapping[Split, Sequence[DatasetRow]],
    files: Mapping[Split, bytes],
    origin: Origin,
) -> Row:
    refs = Counter(row.constitution for row in pool.rows if row.constitution)
    constitutions = [ref.to_row() | {"rows": n} for ref, n in refs.most_common()]
    helpful = sum(row.source == "helpful" for row in pool.rows)
    share = None if pool.kind == "prompts" else helpful / len(pool.rows)
    more = {"certificate": dict(origin.certificate)} if origin.certificate else {}
    more |= {"labels": dict(origin.labels)} if origin.labels else {}
    return more | {
        "kind": pool.kind,
        "hash": _hash(files),
        "rows": len(pool.rows),
        "counts": {
            split: dict(Counter(row.source or "prompts" for row in rows))
            for split, rows in by_split.items()
        },
        "dropped": dict(pool.dropped),
        "labelled_by": dict(Counter(row.labelled_by for row in pool.rows if row.labelled_by)),
        "corrected": _corrected(pool, origin.filters.max_corrected),
        "judges": sorted({row.judge for row in pool.rows if row.judge}),
        "filters": origin.filters.active,
        "sources": dict(Counter(row.source for row in pool.rows if row.source)),
        "helpful_share": {"asked": origin.share, "actual": share},
        "constitution": next(iter(refs)).to_row() if len(refs) == 1 else None,
        "constitutions": constitutions,
        "settings": dict(origin.settings),
        "inputs": dict(origin.inputs),
        "seed": origin.seed,
        "version": __version__,
    }


def _corrected(pool: Pool, most: float) -> Row:
    """How many rows people wrote themselves, of how many that are not helpful ones, and who."""
    rows = [row for row in pool.rows if row.source == CORRECTED]
    others = sum(row.source != "helpful" for row in pool.rows)
    by = dict(Counter(row.writer or "unknown" for row in rows))
    return {
        "rows": len(rows),
        "share": len(rows) / others if others else None,
        "most": most,
        "by": by,
    }


def _there_already(path: Path, manifest: Row) -> Snapshot:
    if path.is_dir() and (path / "manifest.json").exists():
        there = read(path)
        if there.hash == manifest["hash"] and there.kind == manifest["kind"]:
            return there
        raise DataError(
            f"{path} holds another frozen dataset, which never changes; choose another --out"
        )
    raise DataError(f"{path} exists already and is no dataset; choose another --out")


def _jsonl(rows: Sequence[DatasetRow]) -> bytes:
    lines = (json.dumps(row.row, ensure_ascii=False) + "\n" for row in rows)
    return "".join(lines).encode("utf-8", "surrogatepass")


def _hash(files: Mapping[Split, bytes]) -> str:
    """First 16 hex digits of SHA-256 over the names and contents of the splits."""
    digest = hashlib.sha256()
    for split, content in sorted(files.items()):
        digest.update(split.encode() + b"\0" + content)
    return digest.hexdigest()[:16]


def _write(path: Path, files: Mapping[Split, bytes], manifest: Row) -> None:
    """Write the folder beside its place, and move it there when it is whole."""
    part = path.with_name(path.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    contents = {f"{split}.jsonl": content for split, content in files.items()}
    contents["manifest.json"] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    try:
        for name, content in contents.items():
            with (part / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
