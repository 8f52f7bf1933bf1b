"""Begun turns for servers that do not continue one, but begin anew: the beginning is asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cai_core.schema import Chat, assistant, user

LEAD_IN = (
    100  # characters: a begun turn of one short line only leads in, a longer one says something
)


def is_begun(chat: Chat) -> bool:
    return bool(chat) and chat[-1].role == "assistant"


def to_write(chat: Chat) -> Chat:
    """Ask for a reply that begins as the begun turn does.

    >>> to_write((user("Tea?"), assistant("You need")))[-1].content
    'Tea?\\n\\nBegin your reply with exactly these words, and go on from there:\\nYou need'
    """
    line = f"Begin your reply with exactly these words, and go on from there:\n{chat[-1].content}"
    return _asked(chat[:-1], line)


def to_choose(chat: Chat, choices: Sequence[str]) -> Chat:
    """Ask for one of the choices alone; reasoning that stands in the begun turn is kept.

    >>> to_choose((user("Which?"), assistant("Response")), [" A", "A", " B"])[-1].content
    'Which?\\n\\nWrite only one of these, and nothing else: A, B'
    """
    names = dict.fromkeys(choice.strip() for choice in choices)
    line = f"Write only one of these, and nothing else: {', '.join(names)}"
    begun = chat[-1].content.strip()
    if "\n" not in begun and len(begun) <= LEAD_IN:
        return _asked(chat[:-1], line)
    return (*chat[:-1], assistant(begun), user(line))


def without_beginning(text: str, begun: str) -> str:
    """What comes behind the begun turn, where a reply repeats it, or its last line.

    >>> without_beginning("The answer is A.", "Hm.\\nThe answer is"), without_beginning("A.", "The")
    (' A.', 'A.')
    """
    said = text.lstrip()
    for part in (begun.strip(), begun.strip().rpartition("\n")[2].strip()):
        if part and said.casefold().startswith(part.casefold()):
            return said[len(part) :]
    return text


def pieces_behind(beginning: str, pieces: Iterator[str]) -> Iterator[str]:
    """The pieces behind a beginning that may be repeated."""
    held = ""
    for piece in pieces:
        held += piece
        if len(held.lstrip()) > len(beginning.strip()):
            yield without_beginning(held, beginning)
            yield from pieces
            return
    if rest := without_beginning(held, beginning):
        yield rest


def _asked(chat: Chat, line: str) -> Chat:
    """Put the line at the end of the last user turn."""
    if not chat or chat[-1].role != "user":
        return (*chat, user(line))
    return (*chat[:-1], replace(chat[-1], content=f"{chat[-1].content}\n\n{line}"))
