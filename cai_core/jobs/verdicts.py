"""What people said about the pairs of a held job, handed back to it as verdicts.jsonl."""

from dataclasses import replace
from pathlib import Path

from sqlite_utils import Database

from cai_core.jobs import commands, folder, ingest
from cai_core.schema import Label, Pair, Row
from cai_core.store import label_rows, labels, pairs
from cai_core.store.labels import LabelFilter
from cai_core.store.work import Job

FILE = "verdicts.jsonl"


def hand_back(db: Database, job: Job, place: Path) -> int:
    """Write people's standing verdicts on the pairs that the job judged; how many there are.

    Each row has the pair as the job has it: its id, and its orientation, which may be the other one
    here. Several people on one pair are several rows; the job says what they come to.
    """
    if commands.command(job.kind).rows != "labels":
        return 0
    judged = _pairs_of(db, job, place)
    given = labels.verdicts(db, LabelFilter(pairs=list(judged)))
    rows = [_as_judged(event.label, judged[event.pair_id]) for event in given]
    folder.write_rows(place / FILE, rows)
    return len(rows)


def _pairs_of(db: Database, job: Job, place: Path) -> dict[str, Pair]:
    """The job's own pairs by their id in the workspace."""
    found: dict[str, Pair] = {}
    for row in ingest.rows_of(job, place):
        pair = Label.from_row(row).pair
        there = pairs.stored(db, pair)
        if there is not None:
            found[there.id] = pair
    return found


def _as_judged(label: Label, pair: Pair) -> Row:
    turned = label.pair.response_a != pair.response_a
    return replace(label_rows.turned(label) if turned else label, pair=pair).to_row()
