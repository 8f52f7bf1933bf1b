"""What is asked: one row of a prompts file."""

from dataclasses import dataclass, field
from typing import Any, Literal, Self

from cai_core.schema import fields
from cai_core.schema.chats import Chat, chat_from_row, chat_row, user
from cai_core.schema.fields import Row, content_hash

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")


@dataclass(frozen=True)
class Prompt:
    """What is asked: a conversation that ends in a user turn."""

    id: str
    messages: Chat
    tags: tuple[str, ...] = ()
    source: str = ""
    split: Split | None = None
    extra: Row = field(default_factory=dict)

    @classmethod
    def of(cls, messages: Chat | str, **more: Any) -> Self:
        """A prompt whose id is the hash of its conversation."""
        chat = (user(messages),) if isinstance(messages, str) else messages
        return cls(id=content_hash(chat_row(chat)), messages=chat, **more)

    @classmethod
    def from_row(cls, row: object) -> Self:
        row = fields.as_object(row)
        chat = chat_from_row(row.get("prompt"))
        return cls(
            id=str(row.get("id") or content_hash(chat_row(chat))),
            messages=chat,
            tags=fields.tags(row),
            source=fields.text(row, "source", needed=False),
            split=fields.choice(row, "split", SPLITS),
            extra=fields.extra(row, {"id", "prompt", "tags", "source", "split"}),
        )

    def to_row(self) -> Row:
        row: Row = {"id": self.id, "prompt": chat_row(self.messages), "tags": list(self.tags)}
        row |= {"source": self.source, "split": self.split}
        return row | self.extra
