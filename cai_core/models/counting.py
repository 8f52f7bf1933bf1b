"""A model that is never asked: it counts what a stage would ask, and says as much as it may.

So a run is estimated by running the stage itself, with its own templates, on a few of its rows.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import numpy as np

from cai_core.models.protocol import Model
from cai_core.schema import Chat, Completion, Hooks, Sampling, Usage
from cai_core.stats import FloatArray

QUIET = Hooks()
CHARS_PER_TOKEN = 4.0  # English text; for estimates only
TURN_TOKENS = 4
FIRST_HALF = 0.9  # of the probability: "yes" before "no", so that what follows a yes is counted


def tokens_of(text: str) -> int:
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def estimate_tokens(chat: Chat) -> int:
    """Tokens of a chat by its characters."""
    letters = sum(len(turn.content) for turn in chat)
    return math.ceil(letters / CHARS_PER_TOKEN) + TURN_TOKENS * len(chat)


class CountingModel:
    """Every answer is as long as it may be, and unlike the others; `usage` counts them."""

    id = fingerprint = "counting"

    def __init__(self, context: int) -> None:
        self.context = context
        self.usage = Usage()
        self._numbers = count()

    def count_tokens(self, chat: Chat) -> int:
        return estimate_tokens(chat)

    def generate(
        self, chats: Sequence[Chat], params: Sampling, *, hooks: Hooks = QUIET
    ) -> list[Completion]:
        most = params.max_new_tokens
        return [
            Completion(self._answer(chat, most), most, True, prompt_tokens=estimate_tokens(chat))
            for chat in chats
        ]

    def stream(self, chat: Chat, params: Sampling) -> Iterator[str]:
        yield self._answer(chat, params.max_new_tokens)

    def score_choices(self, chats: Sequence[Chat], choices: Sequence[str]) -> FloatArray:
        for chat in chats:
            self._note(chat, 1)
        half = math.ceil(len(choices) / 2)
        shares = np.full(len(choices), (1 - FIRST_HALF) / max(1, len(choices) - half))
        shares[:half] = FIRST_HALF / half
        return np.tile(np.log(shares), (len(chats), 1))

    def _answer(self, chat: Chat, most: int) -> str:
        self._note(chat, most)
        words = "A\n" + f"word{next(self._numbers)} " * most  # a verdict, where one is read
        return words[: int(most * CHARS_PER_TOKEN)].strip()

    def _note(self, chat: Chat, written: int) -> None:
        self.usage += Usage(1, 0, estimate_tokens(chat), written)


_: Callable[..., Model] = CountingModel  # it keeps to the protocol
