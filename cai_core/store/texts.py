"""Texts, each stored once under its hash, and the split of the prompt they belong to."""

import json
from collections.abc import Sequence
from typing import cast

from sqlite_utils import Database

from cai_core.schema import (
    Chat,
    Split,
    canonical_json,
    chat_from_row,
    chat_row,
    content_hash,
    first_user_turn,
)
from cai_core.store.database import insert
from cai_core.text import normalise, split_of


def keep(db: Database, text: str) -> str:
    """Store a text; its id."""
    key = content_hash(text)
    insert(db, "texts", {"id": key, "text": text}, seen="IGNORE")
    return key


def keep_all(db: Database, given: Sequence[str]) -> list[str]:
    """Store texts; the id of each."""
    keys = [content_hash(text) for text in given]
    rows = list(zip(keys, given, strict=True))
    db.conn.executemany("INSERT OR IGNORE INTO texts (id, text) VALUES (?, ?)", rows)
    return keys


def keep_chats(db: Database, chats: Sequence[Chat]) -> list[str]:
    """Store conversations; the id of each."""
    return keep_all(db, [canonical_json(chat_row(chat)) for chat in chats])


def keep_chat(db: Database, chat: Chat) -> str:
    """Store a conversation; its id."""
    return keep(db, canonical_json(chat_row(chat)))


def chat_of(text: str) -> Chat:
    """The conversation that `keep_chat` stored as this text."""
    return chat_from_row(json.loads(text))


def split_for(db: Database, chat: Chat, *, given: Split | None = None) -> Split:
    """The split of a prompt; the first one that its normalised first user turn got stands for ever.

    Args:
        given: the split that a file names; it counts only where none was given before.
    """
    return splits_for(db, [chat], given=given)[0]


def splits_for(db: Database, chats: Sequence[Chat], *, given: Split | None = None) -> list[Split]:
    """The split of each prompt, see `split_for`."""
    turns = [first_user_turn(chat) for chat in chats]
    keys = [content_hash(normalise(turn)) for turn in turns]
    rows = [(key, given or split_of(turn)) for key, turn in zip(keys, turns, strict=True)]
    db.conn.executemany("INSERT OR IGNORE INTO splits (key, split) VALUES (?, ?)", rows)
    sql = "SELECT s.key, s.split FROM json_each(?) j CROSS JOIN splits s ON s.key = j.value"
    found = dict(db.conn.execute(sql, [json.dumps(keys)]).fetchall())
    return [cast(Split, found[key]) for key in keys]
