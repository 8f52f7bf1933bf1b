"""Seconds of a call, and the library's way of asking one prompt at a time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import psutil

from cai_core.models.builtin import builtin_folder
from cai_core.schema import Chat, chat_row

T = TypeVar("T")


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what the call gave."""
    began = time.perf_counter()
    made = call()
    return time.perf_counter() - began, made


@cache
def pipeline() -> Any:
    """transformers' text-generation pipeline on the built-in model, as its documents show it."""
    import transformers

    folder = Path(builtin_folder())
    return transformers.pipeline("text-generation", model=str(folder), dtype="float32")


def piped(chat: Chat, tokens: int, **options: Any) -> str:
    """One answer by the pipeline."""
    told = {"max_new_tokens": tokens, "do_sample": True, "return_full_text": False} | options
    (made,) = pipeline()(chat_row(chat), **told)
    return str(made["generated_text"])


def resident_gib() -> float:
    """Memory of this process now."""
    return float(psutil.Process().memory_info().rss) / 2**30


@contextmanager
def memory_peak() -> Iterator[list[float]]:
    """The most GiB that this process held meanwhile, looked at every 50 ms: in the list's first place."""
    peak, over = [resident_gib()], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            peak[0] = max(peak[0], resident_gib())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()
