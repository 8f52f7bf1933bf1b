"""Read what a job has written into the database: rows, numbers, progress. Reading again changes nothing.

The place where reading stopped is kept in the same transaction as the rows. A file that was written
anew (a job goes from OUT.part to OUT, or asks failed rows again) is read from its beginning; every
row has an id made from its content and its job, so none comes in twice.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from cai_core.errors import CaiError, StoreError
from cai_core.jobs import commands, folder
from cai_core.schema import CaseResult, ConstitutionRef, Label, Pair, Prompt, Revision, Row
from cai_core.store import labels, pairs, prompts, revisions, suites, work
from cai_core.store.database import write_tx
from cai_core.store.work import Job

CHUNK_BYTES = 2**20  # read in one transaction: about 500 labels


@dataclass(frozen=True)
class Chunk:
    """Whole lines of a file, and the place behind them: {inode, offset}."""

    lines: list[bytes]
    place: Mapping[str, int]


def read_chunk(path: Path, place: Mapping[str, int]) -> Chunk:
    """The next whole lines after `place`; a torn last line waits."""
    try:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            offset = place.get("offset", 0)
            if place.get("inode") != stat.st_ino or offset > stat.st_size:
                offset = 0
            file.seek(offset)
            whole = _whole_lines(file.read(CHUNK_BYTES), lambda: file.read(CHUNK_BYTES))
    except FileNotFoundError:
        return Chunk([], place)
    return Chunk(whole.split(b"\n")[:-1], {"inode": stat.st_ino, "offset": offset + len(whole)})


def _whole_lines(content: bytes, more: Callable[[], bytes]) -> bytes:
    """Up to the last line end; a line longer than a chunk is read to its end."""
    while b"\n" not in content and (rest := more()):
        content += rest
    return content[: content.rfind(b"\n") + 1]


def read_job(db: Database, job: Job, place: Path) -> bool:
    """Read one chunk of each file of the job in folder `place`; whether there was anything new."""
    rows = read_chunk(_rows_file(job, place), job.offsets.get("rows", {}))
    numbers = read_chunk(place / "metrics.jsonl", job.offsets.get("metrics", {}))
    progress = folder.read_progress(place) or job.progress
    offsets = {"rows": rows.place, "metrics": numbers.place}
    if offsets == job.offsets and progress == job.progress:
        return False
    with write_tx(db):
        for row in _objects(rows.lines):
            _keep(db, job, row, place)
        work.add_metrics(db, job.id, _metrics(numbers.lines))
        work.note(db, job.id, progress=progress, offsets=offsets)
    return True


def rows_of(job: Job, place: Path) -> Iterator[Row]:
    """Every whole row that the job has written so far."""
    made = commands.command(job.kind)
    if made.rows:
        yield from rows_in(place / made.rows_file)


def rows_in(out: Path) -> Iterator[Row]:
    """Every whole row of a file of rows, OUT.part while it is being written; none where it is not there."""
    path = _part_or_whole(out)
    if path.exists():
        with path.open("rb") as file:
            yield from _objects(file)


def _rows_file(job: Job, place: Path) -> Path:
    """OUT.part while the job writes it, else OUT; a folder that is never there for other jobs."""
    made = commands.command(job.kind)
    if not made.rows:
        return place / "no rows"
    return _part_or_whole(place / made.rows_file)


def _part_or_whole(out: Path) -> Path:
    part = out.with_name(out.name + ".part")
    return part if part.exists() else out


def _objects(lines: Iterable[bytes]) -> Iterator[Row]:
    """JSON objects; a line that a kill has cut is left out."""
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def _keep(db: Database, job: Job, row: Row, place: Path) -> None:
    """Store one finished row; one that cannot be read is left in the file and told as an event.

    What is wrong with the database instead of the row is raised: the chunk is then read again.
    """
    try:
        _KEEP[commands.command(job.kind).rows](db, job, _numbered(job, row))
    except StoreError:
        raise
    except (CaiError, ValueError, TypeError, KeyError, AttributeError) as error:
        folder.append_event(place, "row not read", row=str(row.get("id")), reason=str(error))


def _numbered(job: Job, row: Row) -> Row:
    """The row with the version that the job was submitted under: its command read a file."""
    asked, made = (ConstitutionRef.from_row(r.get("constitution")) for r in (job.config, row))
    if asked is None or made is None or asked.hash != made.hash:
        return row
    return {**row, "constitution": asked.to_row()}


def _keep_prompt(db: Database, job: Job, row: Row) -> None:
    """Into the set that the job's config names."""
    if not row.get("error"):
        found = Prompt.from_row({**row, "job": job.id})
        prompts.add(db, [found], set_name=str(job.config.get("set") or job.title))


def _keep_revision(db: Database, job: Job, row: Row) -> None:
    revisions.add(db, Revision.from_row(row), job=job.id)


def _keep_pair(db: Database, job: Job, row: Row) -> None:
    if not row.get("error"):
        pairs.add(db, [Pair.from_row(row)], source=_source(job), job=job.id)


def _keep_label(db: Database, job: Job, row: Row) -> None:
    labels.add(db, Label.from_row(row), job=job.id, source=_source(job))


def _keep_result(db: Database, job: Job, row: Row) -> None:
    suites.add_result(db, CaseResult.from_row(row), job=job.id)


_KEEP: Mapping[str, Callable[[Database, Job, Row], None]] = {
    "prompts": _keep_prompt,
    "revisions": _keep_revision,
    "pairs": _keep_pair,
    "labels": _keep_label,
    "suite": _keep_result,
}


def _source(job: Job) -> str:
    return str(job.config.get("source") or job.title)


def _metrics(lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, float | None]]]:
    for row in _objects(lines):
        step, values = row.get("step"), row.get("values")
        if isinstance(step, int) and isinstance(values, dict):
            numbers = {n: v for n, v in values.items() if v is None or isinstance(v, int | float)}
            yield step, numbers
