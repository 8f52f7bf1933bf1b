"""Unsaved drafts, one a person and constitution, and what was set aside of them: a log.

A draft may hold what no version may: a principle without wording, two under one key.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from cai_core.errors import ConflictError
from cai_core.schema import Constitution, Principle
from cai_core.store.database import first, insert, now, rows, write_tx

Why = Literal["discarded", "replaced"]


@dataclass(frozen=True)
class KeptDraft:
    """Somebody's draft; `base` is the id of the version it was begun from.

    `updated` says when it was kept: whoever keeps it again gives the time that they saw, "" for none.
    """

    person: str
    constitution: Constitution
    base: str | None = None
    updated: str = ""

    @property
    def name(self) -> str:
        return self.constitution.name


@dataclass(frozen=True)
class SetAside:
    """A draft that was discarded, or replaced by other contents, and can be brought back."""

    seq: int
    draft: KeptDraft
    why: Why
    created: str


def stamps(db: Database, person: str) -> dict[str, str]:
    """When each draft of a person was kept, by the constitution's name, the newest first."""
    sql = "SELECT constitution, updated FROM drafts WHERE person = ? ORDER BY updated DESC"
    return {row["constitution"]: row["updated"] for row in rows(db, sql, [person])}


def get(db: Database, person: str, name: str) -> KeptDraft | None:
    sql = "SELECT * FROM drafts WHERE person = ? AND constitution = ?"
    row = first(db, sql, [person, name])
    return _kept(row) if row else None


def keep(db: Database, draft: KeptDraft) -> KeptDraft:
    """Keep a draft in the place of the one that was seen; with its new time.

    Raises:
        ConflictError: another one was kept since; `current` is that one, None where it is gone.
    """
    with write_tx(db):
        there = get(db, draft.person, draft.name)
        if (there.updated if there else "") != draft.updated:
            raise ConflictError(
                f"your draft of '{draft.name}' was changed elsewhere meanwhile; look at both and"
                " choose one",
                current=there,
            )
        kept = KeptDraft(draft.person, draft.constitution, draft.base, now())
        insert(db, "drafts", {**_row(kept), "updated": kept.updated}, seen="REPLACE")
    return kept


def remove(db: Database, draft: KeptDraft) -> bool:
    """Take it out where it stands as it was seen; whether it did."""
    sql = "DELETE FROM drafts WHERE person = ? AND constitution = ? AND updated = ?"
    with write_tx(db):
        return bool(db.conn.execute(sql, [draft.person, draft.name, draft.updated]).rowcount)


def set_aside(db: Database, draft: KeptDraft, *, why: Why) -> None:
    """Keep its contents for good, and take it out where it stands as it was seen."""
    with write_tx(db):
        insert(db, "drafts_aside", {**_row(draft), "why": why, "created": now()})
        remove(db, draft)


def aside(db: Database, person: str, *, limit: int | None = None) -> list[SetAside]:
    """What a person set aside, newest first."""
    sql = "SELECT * FROM drafts_aside WHERE person = ? ORDER BY seq DESC LIMIT ?"
    found = rows(db, sql, [person, -1 if limit is None else limit])
    return [SetAside(row["seq"], _kept(row), row["why"], row["created"]) for row in found]


def _row(draft: KeptDraft) -> dict[str, Any]:
    """ASCII, so that half a character that somebody typed can be kept too."""
    return {
        "person": draft.person,
        "constitution": draft.name,
        "base": draft.base,
        "content": json.dumps(draft.constitution.to_row()),
    }


def _kept(row: dict[str, Any]) -> KeptDraft:
    content = json.loads(row["content"])
    principles = tuple(
        Principle(**(one | {"tags": tuple(one["tags"])})) for one in content["principles"]
    )
    constitution = Constitution(content["name"], principles, content["description"])
    return KeptDraft(row["person"], constitution, row["base"], row.get("updated", ""))
