"""Conversations: turns of a system, a user and an assistant."""

from dataclasses import dataclass, replace
from typing import Literal

from cai_core.errors import DataError
from cai_core.schema.fields import Row

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str

    def to_row(self) -> Row:
        return {"role": self.role, "content": self.content}


Chat = tuple[Message, ...]


def user(content: str) -> Message:
    return Message("user", content)


def assistant(content: str) -> Message:
    return Message("assistant", content)


def chat_from_row(value: object, *, column: str = "prompt") -> Chat:
    """Read a conversation that ends in a user turn: a text, or a list of {role, content}.

    Raises:
        DataError: empty, an unknown role, a turn without text, or not ending in a user turn.
    """
    if isinstance(value, str):
        if not value.strip():
            raise DataError(f"'{column}' is empty; write what is asked", column=column)
        return (user(value),)
    if not isinstance(value, list) or not value:
        raise DataError(
            f"'{column}' must be a text or a list of {{role, content}} turns", column=column
        )
    turns = tuple(message_from_row(turn, column) for turn in value)
    if turns[-1].role != "user":
        raise DataError(f"'{column}' must end in a user turn", column=column)
    if not turns[-1].content.strip():
        raise DataError(f"the last user turn of '{column}' is empty", column=column)
    return turns


def message_from_row(turn: object, column: str) -> Message:
    if not isinstance(turn, dict) or turn.get("role") not in ("system", "user", "assistant"):
        raise DataError(
            f"a turn of '{column}' needs a role: system, user or assistant", column=column
        )
    if not isinstance(turn.get("content"), str):
        raise DataError(f"a turn of '{column}' has no text in 'content'", column=column)
    return Message(turn["role"], turn["content"])


def chat_row(chat: Chat) -> list[Row]:
    return [message.to_row() for message in chat]


def first_user_turn(chat: Chat) -> str:
    return next((m.content for m in chat if m.role == "user"), "")


def hh_dialogue(text: str) -> Chat:
    r"""Read a raw hh dialogue: turns that begin with a blank line and Human: or Assistant:.

    >>> [m.role for m in hh_dialogue("\n\nHuman: Hi\n\nAssistant: Hello")]
    ['user', 'assistant']
    """
    turns: list[Message] = []
    for part in ("\n\n" + text.strip()).split("\n\n"):
        if part.startswith("Human:"):
            turns.append(user(part.removeprefix("Human:").strip()))
        elif part.startswith("Assistant:"):
            turns.append(assistant(part.removeprefix("Assistant:").strip()))
        elif part and turns:
            turns[-1] = replace(turns[-1], content=f"{turns[-1].content}\n\n{part}".strip())
    if len(turns) < 2:
        raise DataError("this is not a dialogue: it needs a 'Human:' and an 'Assistant:' turn")
    return tuple(turns)
