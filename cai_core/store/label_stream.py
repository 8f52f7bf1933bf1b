"""Every label of the workspace, a few pairs at a time, for files of any length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from cai_core.schema import Split
from cai_core.store import labels
from cai_core.store.database import rows
from cai_core.store.labels import LabelFilter, StoredLabel

PAIRS = 500  # whose labels are held at once


@dataclass(frozen=True)
class LabelChoice:
    """Which labels; every field that is set must hold.

    Args:
        judges, people: names; where either is given, only these annotators.
        constitution: name or hash; judgements under another one are left out, people's verdicts are not.
    """

    judges: Sequence[str] = ()
    people: Sequence[str] = ()
    split: Split | None = None
    constitution: str = ""
    source: str = ""

    def takes(self, found: StoredLabel) -> bool:
        label = found.label
        if label.kind == "judge" and self.constitution:
            ref = label.constitution
            if ref is None or self.constitution not in (ref.name, ref.hash):
                return False
        if not (self.judges or self.people):
            return True
        return label.annotator in {"judge": self.judges, "person": self.people}.get(label.kind, ())


def stream(
    db: Database, choice: LabelChoice | None = None, *, events: bool = False
) -> Iterator[StoredLabel]:
    """Labels in the order of pairs, those of a pair in the order in which they came.

    Args:
        events: every event, undone ones too; else the newest standing of each annotator and setting.
    """
    choice = choice or LabelChoice()
    seq = -1
    while part := _pairs(db, choice, seq):
        seq = part[-1]["seq"]
        ids = [row["id"] for row in part]
        yield from filter(choice.takes, _events(db, ids) if events else _standing(db, ids))


def _pairs(db: Database, choice: LabelChoice, after: int) -> list[dict[str, Any]]:
    parts, params = ["p.seq > ?"], list[Any]([after])
    for column, value in (("split", choice.split), ("source", choice.source)):
        if value:
            parts.append(f"p.{column} = ?")
            params.append(value)
    sql = f"""SELECT p.id, p.seq FROM pairs p WHERE {" AND ".join(parts)}
        AND EXISTS (SELECT 1 FROM labels l WHERE l.pair = p.id) ORDER BY p.seq LIMIT {PAIRS}"""
    return rows(db, sql, params)


def _standing(db: Database, ids: Sequence[str]) -> Iterator[StoredLabel]:
    yield from labels.standing(db, LabelFilter(pairs=ids))


def _events(db: Database, ids: Sequence[str]) -> Iterator[StoredLabel]:
    for pair in ids:
        yield from reversed(labels.history(db, pair))


def event_of(found: StoredLabel) -> dict[str, Any]:
    """What a label's row does not say of the event that brought it."""
    row = {"id": found.id, "created": found.created, "source": found.source, "split": found.split}
    return row | {"undone": found.undone}
