"""What every model can do. A chat may end in a begun assistant turn, which is then continued."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cai_core.schema import Chat, Completion, Hooks, Sampling, Usage
from cai_core.stats import FloatArray

Features = NDArray[np.float32]


class Model(Protocol):
    """A language model, wherever it runs."""

    @property
    def id(self) -> str:
        """The id it was asked for by, for example "builtin:smollm2-135m-instruct"."""

    @property
    def fingerprint(self) -> str:
        """What its outputs depend on: a hash of the weights, or endpoint and model name."""

    @property
    def context(self) -> int:
        """Tokens that fit in its window, prompt and answer together."""

    @property
    def usage(self) -> Usage:
        """What it was asked so far; the same object, or a fresh count, at every call."""

    def count_tokens(self, chat: Chat) -> int:
        """Tokens of the rendered chat; an estimate where the tokenizer is not at hand."""

    def generate(
        self, chats: Sequence[Chat], params: Sampling, *, hooks: Hooks = ...
    ) -> list[Completion]:
        """One answer a chat, in order. Raises ModelError; a stop request ends it early, raising Stopped."""

    def stream(self, chat: Chat, params: Sampling) -> Iterator[str]:
        """Pieces of one answer as they come."""

    def score_choices(self, chats: Sequence[Chat], choices: Sequence[str]) -> FloatArray:
        """Log-probability of each choice as the continuation of each chat: (chats, choices).

        -inf where an endpoint did not report the choice. Raises ModelError where the model gives
        no log-probabilities.
        """


@runtime_checkable
class Keeping(Protocol):
    """A model that keeps what was answered in a call that ended half way: it was paid for."""

    def kept_answer(self, chat: Chat, params: Sampling) -> Completion | None:
        """The answer, where there is one."""

    def kept_scores(self, chat: Chat, choices: Sequence[str]) -> list[float] | None:
        """The scores, where there are some."""


@runtime_checkable
class Featuring(Protocol):
    """A model whose hidden states can be read: one of this machine."""

    def features(self, chats: Sequence[Chat], *, hooks: Hooks = ...) -> Features:
        """What it makes of the answer that each chat ends in: (chats, d).

        Raises ModelError: a chat ends in no answer or is longer than the window, or the model runs
        elsewhere.
        """


@runtime_checkable
class Parallel(Protocol):
    """A model that takes many questions side by side."""

    @property
    def at_once(self) -> int:
        """How many."""


class Cache(Protocol):
    """Answers that were paid for before; keys are made by `cai_core.models.cached.cache_key`."""

    def get(self, keys: Sequence[str]) -> dict[str, Any]:
        """The values that are there, by key."""

    def put(self, values: dict[str, Any]) -> None:
        """Keep JSON values."""
