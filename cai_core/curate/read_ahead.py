"""The labels of a file, read by a second process while the first one stores those before.

Reading is as much work as storing. The second process ends with the file, or when nobody listens any more.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from multiprocessing.connection import Connection

from cai_core.curate.label_files import LabelFile
from cai_core.errors import DataError
from cai_core.schema import Label

AT_ONCE = 500  # rows handed over together

Lines = list[tuple[int, tuple[Label, ...]]]


def read_ahead(file: LabelFile) -> Iterator[tuple[int, tuple[Label, ...]]]:
    """Line and labels of each row that can be read, in order.

    Raises:
        DataError: the second process ended before the file did.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    reader = context.Process(target=_read, args=(file, theirs), daemon=True)
    reader.start()
    theirs.close()
    with closing(ours):
        try:
            while rows := ours.recv():
                yield from rows
        except (EOFError, OSError):  # between two messages, or in the middle of one
            raise DataError("it could not be read to its end; try again", file=file.name) from None
        finally:
            reader.terminate()
            reader.join()


def _read(file: LabelFile, pipe: Connection) -> None:
    rows = ((line, found) for line, found in file if not isinstance(found, DataError))
    try:
        while some := _some(rows):
            pipe.send(some)
        pipe.send([])
    except BrokenPipeError:
        pass  # whoever asked has stopped


def _some(rows: Iterator[tuple[int, tuple[Label, ...]]]) -> Lines:
    """The next rows; the pairs' identities are worked out here, and travel with them."""
    some = list(islice(rows, AT_ONCE))
    for _, labels in some:
        for label in labels:
            _ = label.pair.identity
    return some
