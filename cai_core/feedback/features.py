"""What a model makes of the two answers of each pair: what a learned judge reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cai_core.errors import ModelError
from cai_core.feedback.batch import QUIET, Items, Tally, ask_each, batches
from cai_core.models.cached import CachedModel
from cai_core.models.protocol import Features, Featuring, Model
from cai_core.schema import Chat, Hooks, Pair, assistant

BATCH = 128  # pairs: two chunks of answers that are kept together


@dataclass(frozen=True)
class ReadPair:
    """A pair with the features (d,) of its answers; None where `error` says why there are none."""

    pair: Pair
    a: Features | None = None
    b: Features | None = None
    error: str = ""

    @property
    def difference(self) -> Features | None:
        return None if self.a is None or self.b is None else self.a - self.b


def answered(pair: Pair) -> tuple[Chat, Chat]:
    """The conversation with each of the answers."""
    return (
        (*pair.prompt, assistant(pair.response_a)),
        (*pair.prompt, assistant(pair.response_b)),
    )


def read_pairs(pairs: Items[Pair], model: Model, *, hooks: Hooks = QUIET) -> Iterator[ReadPair]:
    """The features of each pair's answers, in order; a pair that cannot be read has its reason.

    Raises:
        ModelError: the model shows no hidden states, or many pairs in a row fail alike. Stopped.
    """
    if not isinstance(model, Featuring):
        raise ModelError(f"{model.id} shows no hidden states; choose a model of this machine")
    tally = Tally(len(pairs), hooks, [model])
    silent = Hooks(should_stop=hooks.should_stop)
    for some in batches(pairs, BATCH, hooks):
        chats = [chat for pair in some for chat in answered(pair)]
        made = ask_each(lambda part: list(model.features(part, hooks=silent)), chats)
        for pair, a, b in zip(some, made[::2], made[1::2], strict=True):
            read = _read(pair, a, b)
            yield read
            tally.finished(read.error)


def _read(pair: Pair, a: Features | ModelError, b: Features | ModelError) -> ReadPair:
    for one in (a, b):
        if isinstance(one, ModelError):
            return ReadPair(pair, error=str(one))
    assert isinstance(a, np.ndarray)
    assert isinstance(b, np.ndarray)
    return ReadPair(pair, a, b)


def kept_pairs(pairs: Sequence[Pair], model: CachedModel) -> list[ReadPair]:
    """The pairs whose features are in the cache, in order; nothing is loaded."""
    found = model.kept_features([chat for pair in pairs for chat in answered(pair)])
    return [
        ReadPair(pair, a, b)
        for pair, a, b in zip(pairs, found[::2], found[1::2], strict=True)
        if a is not None and b is not None
    ]
