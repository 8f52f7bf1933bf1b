"""When a server asks to wait, everybody who asks it waits: one gate for all threads.

The openai client honours Retry-After (milliseconds, seconds, a date), but each thread for itself,
and gives up where it is over two minutes. Here all hold back, up to `LONGEST_WAIT`.
"""

import email.utils
import random
import re
import time
from collections.abc import Callable, Mapping
from threading import Lock

from cai_core.errors import Stopped

LONGEST_WAIT = (
    900.0  # seconds that a server may ask for: the longest reset of minute limits, and more
)
POLL_SECONDS = 0.1  # so soon a stop request ends the wait
FIRST_BACKOFF, LONGEST_BACKOFF = (
    0.5,
    8.0,
)  # seconds without a word of the server, as openai has them
SPREAD = 0.25  # of a wait, one second at most: not all come back at the same moment

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")

Headers = Mapping[str, str]


class Gate:
    """Open, or closed for everybody until a moment."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._opens_at = 0.0
        self.through = 0  # answers so far: whether anything gets through at all

    def hold(self, seconds: float) -> None:
        """Let nobody ask for so long."""
        with self._lock:
            self._opens_at = max(self._opens_at, self._clock() + min(seconds, LONGEST_WAIT))

    def answered(self, headers: Headers) -> None:
        """Note an answer, and hold everybody back where its headers say that nothing is left."""
        with self._lock:
            self.through += 1
        seconds = used_up(headers)
        if seconds:
            self.hold(seconds)

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Wait until it is open. Raises Stopped as soon as `stopped` says so."""
        held = False
        while (left := self._opens_at - self._clock()) > 0:
            if not held:
                held, late = True, random.uniform(0, min(1.0, SPREAD * left))
            pause(left, stopped)
        if held:
            pause(late, stopped)


def pause(seconds: float, stopped: Callable[[], bool]) -> None:
    """Sleep. Raises Stopped as soon as `stopped` says so."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if stopped():
            raise Stopped("stopped while the server had asked to wait")
        time.sleep(min(left, POLL_SECONDS))


def backoff(tries: int) -> float:
    """Seconds to wait after so many tries where the server says nothing: doubled, and spread."""
    return min(FIRST_BACKOFF * 2.0 ** max(0, tries - 1), LONGEST_BACKOFF) * random.uniform(
        1 - SPREAD, 1.0
    )


def asked_wait(headers: Headers) -> float | None:
    """Seconds that `Retry-After` asks for: milliseconds, seconds or a date; None without it.

    >>> asked_wait({"retry-after": "2"}), asked_wait({"retry-after-ms": "40"}), asked_wait({})
    (2.0, 0.04, None)
    """
    for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            return max(0.0, float(headers[name]) / divisor)
        except (KeyError, ValueError):
            continue
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None


def used_up(headers: Headers) -> float:
    """Seconds until a limit is full again of which nothing is left; 0 where something is.

    >>> used_up({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2.5s"})
    62.5
    >>> used_up({"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1s"})
    0.0
    """
    waits = [0.0]
    for what in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{what}", "").strip() == "0":
            waits.append(duration(headers.get(f"x-ratelimit-reset-{what}", "")))
    return max(waits)


def duration(text: str) -> float:
    """Seconds of a length of time as servers write it; 0 where it is none.

    >>> duration("6m0s"), duration("20ms"), duration("1.5"), duration("soon")
    (360.0, 0.02, 1.5, 0.0)
    """
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(rf"(?:{_PART.pattern})+", text):
        return 0.0
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
