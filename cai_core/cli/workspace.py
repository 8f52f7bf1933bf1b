"""The workspace that a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlite_utils import Database

from cai_core.errors import StoreError
from cai_core.settings import database_path
from cai_core.store import database


def require_workspace() -> None:
    """Raises StoreError: `init` has not been run here."""
    if not database_path().exists():
        raise StoreError(
            f"there is no workspace in {database_path().parent}; make one with"
            " `python -m cai_core init`, or set CAI_HOME"
        )


@contextmanager
def workspace() -> Iterator[Database]:
    """A connection to its database, closed at the end."""
    require_workspace()
    db = database.connect()
    try:
        yield db
    finally:
        db.close()
