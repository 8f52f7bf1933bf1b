"""Prompts, and the named sets they stand in."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from cai_core.errors import NotFoundError
from cai_core.schema import Chat, Prompt, Split, chat_row, content_hash
from cai_core.store import texts
from cai_core.store.database import first, from_json, insert, now, rows, to_json, write_tx

_SELECT = "SELECT p.*, t.text FROM prompts p JOIN texts t ON t.id = p.messages"


@dataclass(frozen=True)
class PromptSet:
    """A named set and how many prompts each split holds."""

    name: str
    n: int
    train: int
    dev: int
    test: int
    created: str


def add(db: Database, prompts: Iterable[Prompt], *, set_name: str) -> int:
    """Put prompts into a set, making it where it is new; how many the set did not have.

    A conversation that is there keeps its id and its split; an id that another conversation has is
    replaced by the hash of the content.
    """
    new = 0
    with write_tx(db):
        insert(db, "prompt_sets", {"name": set_name, "created": now()}, seen="IGNORE")
        position = _end_of(db, set_name)
        for prompt in prompts:
            member = {"set_name": set_name, "prompt": _keep(db, prompt), "position": position + new}
            new += insert(db, "prompt_set_members", member, seen="IGNORE")
    return new


def _end_of(db: Database, set_name: str) -> int:
    sql = "SELECT coalesce(max(position) + 1, 0) FROM prompt_set_members WHERE set_name = ?"
    return int(db.conn.execute(sql, [set_name]).fetchone()[0])


def _keep(db: Database, prompt: Prompt) -> str:
    identity = content_hash(chat_row(prompt.messages))
    there = first(db, "SELECT id FROM prompts WHERE identity = ?", [identity])
    if there:
        return str(there["id"])
    taken = first(db, "SELECT 1 FROM prompts WHERE id = ?", [prompt.id])
    row = {
        "id": identity if taken else prompt.id,
        "identity": identity,
        "messages": texts.keep_chat(db, prompt.messages),
        "tags": to_json(list(prompt.tags)),
        "source": prompt.source,
        "split": texts.split_for(db, prompt.messages, given=prompt.split),
        "extra": to_json(prompt.extra),
        "created": now(),
    }
    insert(db, "prompts", row)
    return str(row["id"])


def sets(db: Database) -> list[PromptSet]:
    """All sets by name, empty ones too."""
    sql = """SELECT s.name, s.created, count(p.id) AS n,
            coalesce(sum(p.split = 'train'), 0) AS train, coalesce(sum(p.split = 'dev'), 0) AS dev,
            coalesce(sum(p.split = 'test'), 0) AS test
        FROM prompt_sets s LEFT JOIN prompt_set_members m ON m.set_name = s.name
            LEFT JOIN prompts p ON p.id = m.prompt
        GROUP BY s.name ORDER BY s.name"""
    return [PromptSet(**row) for row in rows(db, sql)]


def of_set(
    db: Database,
    set_name: str,
    *,
    split: Split | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Prompt]:
    """Prompts of a set in the order they came. Raises NotFoundError: no such set."""
    if first(db, "SELECT 1 FROM prompt_sets WHERE name = ?", [set_name]) is None:
        raise NotFoundError(f"there is no prompt set '{set_name}'")
    sql = f"{_SELECT} JOIN prompt_set_members m ON m.prompt = p.id WHERE m.set_name = ?"
    params: list[Any] = [set_name]
    if split:
        sql, params = f"{sql} AND p.split = ?", [*params, split]
    sql += " ORDER BY m.position LIMIT ? OFFSET ?"
    found = rows(db, sql, [*params, -1 if limit is None else limit, offset])
    return [_prompt(row) for row in found]


def conversations(db: Database) -> list[Chat]:
    """What was ever asked in this workspace: of every prompt, in a set or not, and of every pair."""
    sql = """SELECT text FROM texts
        WHERE id IN (SELECT messages FROM prompts UNION SELECT prompt FROM pairs) ORDER BY id"""
    return [texts.chat_of(row["text"]) for row in rows(db, sql)]


def get(db: Database, prompt_id: str) -> Prompt:
    row = first(db, f"{_SELECT} WHERE p.id = ?", [prompt_id])
    if row is None:
        raise NotFoundError(f"there is no prompt with the id '{prompt_id}'")
    return _prompt(row)


def _prompt(row: dict[str, Any]) -> Prompt:
    return Prompt(
        id=row["id"],
        messages=texts.chat_of(row["text"]),
        tags=tuple(json.loads(row["tags"])),
        source=row["source"],
        split=row["split"],
        extra=from_json(row["extra"]),
    )
