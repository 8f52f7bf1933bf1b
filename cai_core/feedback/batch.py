"""Work on many rows with a model: in batches, row errors apart, and giving up when all fail.

One row that the model cannot take (too long, refused by its template) must not cost the others of
its batch; a server that is gone must not turn a hundred thousand rows into errors one by one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cai_core.errors import ModelError, Stopped
from cai_core.models.protocol import Model, Parallel
from cai_core.schema import Chat, Completion, Hooks, Progress, Sampling, Usage

T = TypeVar("T")
R = TypeVar("R")

QUIET = Hooks()
WAVES = 8  # of questions side by side in a batch
PATIENCE = 20  # rows that fail in a row with one same reason before the run gives up


def batch_size(model: Model, usual: int) -> int:
    """Questions in a batch: more where a model takes many side by side.

    Every batch waits for its last answers. With two waves of 32 in a batch of 64 a judge reached 65%
    of the rate that a server allowed.
    """
    return max(usual, WAVES * model.at_once) if isinstance(model, Parallel) else usual


def batches(items: Sequence[T], size: int, hooks: Hooks) -> Iterator[Sequence[T]]:
    """Slices of `items`; whether to stop is asked before each.

    Raises:
        Stopped: it was asked for.
    """
    for start in range(0, len(items), size):
        if hooks.should_stop():
            raise Stopped("stopped between two batches")
        yield items[start : start + size]


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
    """One answer a chat, or why there is none."""
    silent = Hooks(should_stop=hooks.should_stop)  # the stage counts rows, not answers
    return ask_each(lambda some: model.generate(some, params, hooks=silent), chats)


@dataclass
class Tally:
    """Counts finished rows, tells the progress, and gives up when too many fail alike."""

    total: int
    hooks: Hooks
    models: Sequence[Model] = ()
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
            ModelError: the last PATIENCE rows failed with this reason.
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
            raise ModelError(f"gave up after {PATIENCE} rows in a row that failed: {error}")

    def _used(self) -> Usage:
        return sum((model.usage for model in self.models), Usage())
