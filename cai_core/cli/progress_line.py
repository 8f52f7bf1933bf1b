"""How far a command is, as a line for a person: how far, how fast, how long still."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from cai_core.schema import Progress

LINE_SECONDS = 2.0  # a line of progress at most this often


@dataclass
class ProgressLine:
    """Progress on a stream: rewritten in place on a terminal, plain lines elsewhere."""

    stream: TextIO
    clock: Callable[[], float] = time.monotonic
    _first: tuple[float, int] | None = None
    _shown_at: float = -LINE_SECONDS
    _pending: Progress | None = None

    def show(self, progress: Progress) -> None:
        now = self.clock()
        self._first = self._first or (now, progress.done)
        self._pending = progress
        if now - self._shown_at >= LINE_SECONDS:
            self._write(progress, now)

    def say(self, sentence: str) -> None:
        """A line of its own, over the line of progress."""
        self.stream.write(f"\r\x1b[K{sentence}\n" if self.stream.isatty() else f"{sentence}\n")
        self.stream.flush()

    def close(self) -> None:
        """Write what was held back, and leave the line."""
        if self._pending is not None:
            self._write(self._pending, self.clock())
        if self._first and self.stream.isatty():
            self.stream.write("\n")
        self._first = None

    def _write(self, progress: Progress, now: float) -> None:
        assert self._first is not None
        began, already = self._first
        line = progress_text(progress, progress.done - already, now - began)
        self.stream.write(f"\r\x1b[K{line}" if self.stream.isatty() else f"{line}\n")
        self.stream.flush()
        self._shown_at, self._pending = now, None


def progress_text(progress: Progress, done_now: int, seconds: float) -> str:
    """One line: how far, how fast since this run began, and how long it will take.

    >>> progress_text(Progress(30, 90, failed=1), 20, 40.0)
    '30 of 90 · 0.5/s · 2 min left · 1 failed'
    """
    parts = [f"{progress.done} of {progress.total}" if progress.total else f"{progress.done}"]
    if done_now > 0 and seconds > 0:
        rate = done_now / seconds
        parts.append(f"{rate:.1f}/s" if rate >= 0.1 else f"{60 * rate:.1f}/min")
        if progress.total > progress.done:
            parts.append(f"{duration_text((progress.total - progress.done) / rate)} left")
    parts.append(f"{progress.tokens} tokens" if progress.tokens else "")
    parts.append(progress.from_cache)
    parts.append(f"{progress.failed} failed" if progress.failed else "")
    return " · ".join(filter(None, parts))


def duration_text(seconds: float) -> str:
    """
    >>> duration_text(8.2), duration_text(125), duration_text(7500)
    ('8 s', '2 min', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
