"""Findings of lint that a person accepted, with the reason: a log, taken back by an undo."""

from dataclasses import dataclass, fields, replace

from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.schema import content_hash
from cai_core.store import undos
from cai_core.store.database import insert, now, rows, write_tx


@dataclass(frozen=True)
class Accepted:
    """A finding by its fingerprint, which another wording changes, and who accepted it why.

    Args:
        constitution: the name; it holds for drafts and versions alike.
        key: the principle, "" where the whole constitution is meant.
        message: what was found, as it was shown.
        id, created: given when it is stored.
    """

    constitution: str
    fingerprint: str
    rule: str
    key: str
    message: str
    note: str
    who: str
    id: str = ""
    created: str = ""


_COLUMNS = ", ".join(f"a.{field.name}" for field in fields(Accepted))
_STANDING = "NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = a.id)"


def accept(db: Database, accepted: Accepted) -> Accepted:
    """Append it; the one that stands where somebody accepted the same finding before.

    Raises:
        DataError: no note or no name.
    """
    if not accepted.note.strip():
        raise DataError("a finding is accepted with a note; say why it may stay")
    if not accepted.who.strip():
        raise DataError("an accepted finding needs a name; say who accepts it")
    with write_tx(db):
        before = standing(db, accepted.constitution).get(accepted.fingerprint)
        if before:
            return before
        stored = replace(accepted, note=accepted.note.strip(), created=now())
        stored = replace(stored, id=content_hash(vars(stored)))
        insert(db, "accepted_findings", vars(stored))
    return stored


def take_back(db: Database, accepted_id: str, *, who: str) -> None:
    """Append an undo: the finding is shown again."""
    undos.append(db, "accepted_findings", target=accepted_id, who=who, what="accepted finding")


def standing(db: Database, constitution: str) -> dict[str, Accepted]:
    """What is accepted now under this constitution's name, by fingerprint, the first one first."""
    sql = f"""SELECT {_COLUMNS} FROM accepted_findings a
        WHERE a.constitution = ? AND {_STANDING} ORDER BY a.seq"""
    return {row["fingerprint"]: Accepted(**row) for row in rows(db, sql, [constitution])}
