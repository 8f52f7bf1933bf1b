"""Constitutions and their immutable, numbered versions."""

import json
from typing import Any

from sqlite_utils import Database

from cai_core.errors import ConflictError, NotFoundError
from cai_core.schema import Constitution, Version, content_hash
from cai_core.store.database import audit, first, insert, now, rows, to_json, write_tx


def save(
    db: Database,
    constitution: Constitution,
    *,
    author: str,
    message: str = "",
    parent: str | None = None,
) -> Version:
    """Save the next version under the constitution's name; the newest itself where nothing changed.

    Args:
        parent: id of the version that was edited. Of a name that is new: of the version of another
            constitution that it is forked from, or None.
    Raises:
        ConstitutionError: it cannot be used.
        ConflictError: somebody saved first; `current` is their version.
    """
    constitution.check()
    with write_tx(db):
        current = _newest(db, constitution.name)
        if current and current.constitution == constitution:
            return current
        expected = current.id if current else _origin(db, parent)
        if expected != parent:
            raise _conflict(constitution.name, current)
        begun = Version(
            id="",
            number=current.number + 1 if current else 1,
            constitution=constitution,
            parent=parent,
            author=author,
            message=message,
            created=now(),
        )
        return _append(db, begun)


def _origin(db: Database, parent: str | None) -> str | None:
    """The parent itself where there is such a version."""
    found = first(db, "SELECT id FROM versions WHERE id = ?", [parent])
    return found["id"] if found else None


def origin(db: Database, version: Version) -> Version | None:
    """The version of another constitution that this one was forked from; None for most."""
    parent = get(db, version.parent) if version.parent else None
    return parent if parent and parent.constitution.name != version.constitution.name else None


def _conflict(name: str, current: Version | None) -> ConflictError:
    if current is None:
        return ConflictError(f"constitution '{name}' has no versions yet; save it as a new one")
    return ConflictError(
        f"{current.author} saved version {current.number} of '{name}' first; compare it with yours"
        " and save again",
        current=current,
    )


def _append(db: Database, begun: Version) -> Version:
    constitution, name = begun.constitution, begun.constitution.name
    insert(db, "constitutions", {"name": name, "created": begun.created}, seen="IGNORE")
    key = {"name": name, "number": begun.number, "hash": constitution.hash}
    version = {
        "id": content_hash(key),
        "constitution": name,
        "number": begun.number,
        "hash": constitution.hash,
        "content": to_json(constitution.to_row()),
        "parent": begun.parent,
        "author": begun.author,
        "message": begun.message,
        "created": begun.created,
    }
    insert(db, "versions", version)
    audit(db, begun.author, "save version", constitution=name, number=begun.number)
    return _version(version)


def names(db: Database) -> list[str]:
    """Names of all constitutions, the one that was saved last first."""
    sql = "SELECT constitution FROM versions GROUP BY constitution ORDER BY max(created) DESC"
    return [row["constitution"] for row in rows(db, sql)]


def newest(db: Database, name: str) -> Version:
    """The version with the highest number."""
    version = _newest(db, name)
    if version is None:
        raise NotFoundError(f"there is no constitution '{name}'")
    return version


def newest_of_each(db: Database) -> list[Version]:
    """The newest version of every constitution, the one that was saved last first."""
    return [newest(db, name) for name in names(db)]


def versions(db: Database, name: str) -> list[Version]:
    """All versions of a constitution, newest first."""
    sql = "SELECT * FROM versions WHERE constitution = ? ORDER BY number DESC"
    return [_version(row) for row in rows(db, sql, [name])]


def get(db: Database, version_id: str) -> Version:
    row = first(db, "SELECT * FROM versions WHERE id = ?", [version_id])
    if row is None:
        raise NotFoundError(f"there is no version with the id '{version_id}'")
    return _version(row)


def numbered(db: Database, name: str, number: int) -> Version:
    sql = "SELECT * FROM versions WHERE constitution = ? AND number = ?"
    row = first(db, sql, [name, number])
    if row is None:
        raise NotFoundError(f"constitution '{name}' has no version {number}")
    return _version(row)


def by_hash(db: Database, content: str) -> Version | None:
    """The first version with this constitution hash; None for a draft or a file."""
    row = first(db, "SELECT * FROM versions WHERE hash = ? ORDER BY created LIMIT 1", [content])
    return _version(row) if row else None


def _newest(db: Database, name: str) -> Version | None:
    sql = "SELECT * FROM versions WHERE constitution = ? ORDER BY number DESC LIMIT 1"
    row = first(db, sql, [name])
    return _version(row) if row else None


def _version(row: dict[str, Any]) -> Version:
    return Version(
        id=row["id"],
        number=row["number"],
        constitution=Constitution.from_row(json.loads(row["content"])),
        parent=row["parent"],
        author=row["author"],
        message=row["message"],
        created=row["created"],
    )
