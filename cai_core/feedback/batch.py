"""Work on many rows with a model: in batches, row errors apart, and giving up when all fail.

A batch is a window of the input's order, and is written whole: which rows a killed run holds depends
on their places alone. A model may sort the rows of one batch by length; no batch is chosen so.

One row that the model cannot take (too long, refused by its template) must not cost the others of
its batch; a server that is gone must not turn a hundred thousand rows into errors one by one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol, TypeVar

from cai_core.errors import GaveUpError, ModelError, Stopped
from cai_core.models.protocol import Model, Parallel
from cai_core.models.thinking import split_thinking
from cai_core.schema import Chat, Completion, Hooks, Progress, Sampling, Usage

T = TypeVar("T")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)

QUIET = Hooks()
WAVES = 8  # of questions side by side in a batch
PATIENCE = 20  # rows that fail in a row with one same reason before the run gives up


class Items(Protocol[T_co]):
    """Rows whose number is known and which come one at a time: a list, or a file being read."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[T_co]: ...


def batch_size(model: Model, usual: int) -> int:
    """Questions in a batch: more where a model takes many side by side.

    Every batch waits for its last answers. With two waves of 32 in a batch of 64 a judge reached 65%
    of the rate that a server allowed.
    """
    return max(usual, WAVES * model.at_once) if isinstance(model, Parallel) else usual


def batches(items: Items[T], size: int, hooks: Hooks) -> Iterator[Sequence[T]]:
    """Windows of `items` in their order; whether to stop is asked before each.

    Raises:
        Stopped: it was asked for.
    """
    rest = iter(items)
    while some := list(islice(rest, size)):
        if hooks.should_stop():
            raise Stopped("stopped between two batches")
        yield some


def ask_each(ask: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T]) -> list[R | ModelError]:
    """What `ask` gives for each item; where it fails, halves are asked until the culprit is found."""
    if not items:
        return []
    try:
        return list(ask(items))
    except ModelError as error:
        if len(items) == 1:
            return [error]
        first = ask_each(ask, items[:1])
        if isinstance(first[0], ModelError) and str(first[0]) == str(error):
            last = ask_each(ask, items[-1:])
            if isinstance(last[0], ModelError) and str(last[0]) == str(error):
                return [error] * len(items)  # it is not the row: nothing can be asked
        half = max(1, len(items) // 2)
        return first + ask_each(ask, items[1:half]) + ask_each(ask, items[half:])


def generate_each(
    model: Model, chats: Sequence[Chat], params: Sampling, hooks: Hooks
) -> list[Completion | ModelError]:
    """One answer a chat, without what was thought before it, or why there is none."""
    silent = Hooks(should_stop=hooks.should_stop)  # the stage counts rows, not answers
    said = ask_each(lambda some: model.generate(some, params, hooks=silent), chats)
    return [one if isinstance(one, ModelError) else _spoken(one) for one in said]


def _spoken(completion: Completion) -> Completion | ModelError:
    try:
        thought, answer = split_thinking(completion.text)
    except ModelError as error:
        return error
    return replace(completion, text=answer, thinking=thought)


class Counted(Protocol):
    """A model, or whoever asks models, that counts what was asked."""

    @property
    def usage(self) -> Usage: ...


@dataclass
class Tally:
    """Counts finished rows, tells the progress, and gives up when too many fail alike."""

    total: int
    hooks: Hooks
    models: Sequence[Counted] = ()
    progress: Progress = field(default_factory=lambda: Progress(0, 0))
    _reason: str = ""
    _alike: int = 0

    def __post_init__(self) -> None:
        self._before = self._used()
        self.progress = replace(self.progress, total=self.total)
        self.hooks.progress(self.progress)

    def finished(self, error: str = "") -> None:
        """Count one row.

        Raises:
            GaveUpError: the last PATIENCE rows failed with this reason.
        """
        used = self._used().since(self._before)
        self.progress = replace(
            self.progress,
            done=self.progress.done + 1,
            failed=self.progress.failed + bool(error),
            tokens=used.tokens,
            cached=used.cached,
            asked=used.asked,
        )
        self.hooks.progress(self.progress)
        self._alike = (self._alike + 1 if error == self._reason else 1) if error else 0
        self._reason = error
        if self._alike >= PATIENCE:
            raise GaveUpError(f"gave up after {PATIENCE} rows in a row that failed: {error}")

    def _used(self) -> Usage:
        return sum((model.usage for model in self.models), Usage())
