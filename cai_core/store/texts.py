"""Texts, each stored once under its hash, and the split of the prompt they belong to."""

import json
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
    turn = first_user_turn(chat)
    key = content_hash(normalise(turn))
    insert(db, "splits", {"key": key, "split": given or split_of(turn)}, seen="IGNORE")
    found = db.conn.execute("SELECT split FROM splits WHERE key = ?", [key]).fetchone()
    return cast(Split, found[0])
