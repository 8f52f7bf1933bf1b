"""Guidelines for reviewers of a constitution: a log, of which the newest text counts."""

from dataclasses import dataclass

from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.store.database import first, insert, now, write_tx

MOST = 20_000  # characters: about ten pages, which nobody reads beside a pair


@dataclass(frozen=True)
class Guidelines:
    """What one person wrote; an empty text takes back what stood before."""

    text: str
    person: str
    created: str


def newest(db: Database, constitution: str) -> Guidelines | None:
    """What counts for the constitution of this name; None where nothing was written."""
    sql = """SELECT text, person, created FROM guidelines WHERE constitution = ?
        ORDER BY seq DESC LIMIT 1"""
    row = first(db, sql, [constitution])
    return Guidelines(**row) if row else None


def write(db: Database, constitution: str, text: str, *, person: str) -> bool:
    """Append a text; whether it differs from what counted.

    Raises:
        DataError: no name, or too long.
    """
    if not person.strip():
        raise DataError("guidelines need a name; give yours first")
    if len(text) > MOST:
        raise DataError(f"the guidelines have {len(text)} characters; keep them under {MOST}")
    with write_tx(db):
        before = newest(db, constitution)
        if (before.text if before else "") == text.strip():
            return False
        row = {"constitution": constitution, "person": person, "text": text.strip()}
        insert(db, "guidelines", row | {"created": now()})
    return True
