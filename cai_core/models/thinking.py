"""What a model thinks before it answers: between <think> and </think>, and no part of the answer."""

import re

from cai_core.errors import ModelError

OPEN, CLOSE = "<think>", "</think>"
CLOSED = f"{OPEN}\n\n{CLOSE}\n\n"  # no thought: what Qwen3's template writes where thinking is off

_OPEN = re.compile(r"\s*<(think|thinking)>")
_CLOSE = re.compile(r"</(think|thinking)>\s*")


class UnfinishedThought(ModelError):
    """The model was still thinking when its tokens were used up."""


def split_thinking(text: str) -> tuple[str, str]:
    r"""What was thought, and the answer behind it. The opening tag may have stood in the prompt.

    >>> split_thinking("<think>\nTwo.\n</think>\n\nIt is two.")
    ('Two.', 'It is two.')
    >>> split_thinking("Close a thought with </think>, open it with <think>.")[0]
    'Close a thought with'
    >>> split_thinking("HTML has no <think> tag.")
    ('', 'HTML has no <think> tag.')

    Raises:
        UnfinishedThought: all of it is thinking.
    """
    opened = _OPEN.match(text)
    begin = opened.end() if opened else 0
    closed = _CLOSE.search(text, begin)
    if closed is None:
        if opened:
            raise UnfinishedThought(
                "the model was still thinking when its tokens were used up, and gave no answer;"
                " allow it more tokens, or choose a model that answers straight away"
            )
        return "", text
    if not opened and f"<{closed[1]}>" in text[: closed.start()]:
        return "", text  # both stand in the middle: the answer speaks of them
    thought, rest = text[begin : closed.start()].strip(), text[closed.end() :]
    if _OPEN.match(rest):
        more, rest = split_thinking(rest)
        thought = f"{thought}\n\n{more}"
    return thought, rest


def spoken_so_far(text: str) -> str:
    """The answer in what a model has written until now; "" while it is thinking."""
    try:
        return split_thinking(text)[1]
    except UnfinishedThought:
        return ""
