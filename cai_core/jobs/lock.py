"""POSIX record locks on a file: who holds one lives. Freed by the kernel when its holder dies.

A process loses its lock by opening and closing that file once more; hence everything that asks about
a lock comes through here, and never opens a file that this process holds.
"""

import fcntl
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cai_core.errors import JobError

_HELD: set[Path] = set()  # what this process holds

# struct flock: Linux (l_type, l_whence, l_start, l_len, l_pid), macOS (start, len, pid, type, whence)
_MAC = sys.platform == "darwin"
_FORMAT = "qqihh" if _MAC else "hhqqi"
_ASK = (0, 0, 0, fcntl.F_WRLCK, 0) if _MAC else (fcntl.F_WRLCK, 0, 0, 0, 0)
_TYPE, _PID = (3, 2) if _MAC else (0, 4)


@contextmanager
def hold(path: Path, *, taken: str) -> Iterator[None]:
    """Hold the lock while the block runs.

    Raises:
        JobError: `taken`, when somebody holds it.
    """
    path = path.resolve()
    if path in _HELD:
        raise JobError(taken)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise JobError(taken) from error
        _HELD.add(path)
        yield
    finally:
        _HELD.discard(path)
        os.close(fd)


def holder(path: Path) -> int | None:
    """The process id of who holds the lock; None where nobody does."""
    path = path.resolve()
    if path in _HELD:
        return os.getpid()
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        answer = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack(_FORMAT, *_ASK))
    finally:
        os.close(fd)
    fields = struct.unpack(_FORMAT, answer[: struct.calcsize(_FORMAT)])
    return None if fields[_TYPE] == fcntl.F_UNLCK else int(fields[_PID])
