"""Ask a server many questions, as many at once as it takes."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from threading import Event
from typing import TypeVar

from cai_core.errors import Stopped
from cai_core.schema import Chat, Hooks

T = TypeVar("T")

ASK_STOP_SECONDS = 0.2
GATHER_SECONDS = 0.005  # short beside any answer


def untold(done: int, chat: Chat, value: object) -> None:
    """Say nothing."""


def ask_all(
    chats: Sequence[Chat],
    ask: Callable[[Chat, Event], T],
    *,
    hooks: Hooks,
    at_once: int,
    told: Callable[[int, Chat, T], None] = untold,
) -> list[T]:
    """What `ask` gives for every chat, in order; a failure ends it.

    Args:
        ask: is given an event that is set when nobody waits for its answer any more.
        told: of each answer as it comes, with how many there are.
    Raises:
        Stopped: it was asked for. What `ask` raised first, when those under way are done.
    """
    stop = Event()
    pool = ThreadPoolExecutor(at_once)
    try:
        chat_of = {pool.submit(ask, chat, stop): chat for chat in chats}
        for done, future in enumerate(_as_they_come(chat_of, hooks), 1):
            if future.exception() is None:
                told(done, chat_of[future], future.result())
    finally:
        stop.set()  # who waits for the server to take questions again waits no more
        pool.shutdown(wait=False, cancel_futures=True)
    for future in chat_of:
        if not future.cancelled():
            future.result()  # the first failure is raised before a dropped one is asked
    return [future.result() for future in chat_of]


def _as_they_come(futures: Iterable[Future[T]], hooks: Hooks) -> Iterator[Future[T]]:
    """Finished ones first. After a failure those not begun are dropped, those begun are awaited.

    Raises:
        Stopped: it was asked for; what is under way is not awaited.
    """
    finished: SimpleQueue[Future[T]] = SimpleQueue()
    waiting = set(futures)
    for future in waiting:
        future.add_done_callback(finished.put)
    while waiting:
        if hooks.should_stop():
            raise Stopped("stopped while answers were being written")
        done = [future for future in _gathered(finished) if not future.cancelled()]
        waiting.difference_update(done)
        if any(future.exception() for future in done):
            waiting = {future for future in waiting if not future.cancel()}
        yield from done


def _gathered(finished: SimpleQueue[Future[T]]) -> Iterator[Future[T]]:
    """What has finished, a moment's worth at a time: to be woken for each one slows the others."""
    try:
        first = finished.get(timeout=ASK_STOP_SECONDS)
        time.sleep(GATHER_SECONDS)
        yield first
        while True:
            yield finished.get_nowait()
    except Empty:
        return
