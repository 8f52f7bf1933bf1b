"""Which steps were applied to a database, and applying those that are missing."""

from sqlite_utils import Database

from cai_core.errors import StoreError
from cai_core.store import steps_001_first as _first  # noqa: F401 - these make the list, in this order
from cai_core.store import steps_010_workbench as _workbench  # noqa: F401
from cai_core.store import steps_014_review as _review  # noqa: F401
from cai_core.store import steps_015_sighted as _sighted  # noqa: F401
from cai_core.store import steps_016_guidelines as _guidelines  # noqa: F401
from cai_core.store import steps_017_helpful as _helpful  # noqa: F401
from cai_core.store import steps_018_certificates as _certificates  # noqa: F401
from cai_core.store import steps_019_runs as _runs  # noqa: F401
from cai_core.store.steps import STEPS


def is_current(db: Database, name: str) -> bool:
    """Whether every step was applied. Raises StoreError: steps were that this code does not know."""
    known = [step.name for step in STEPS._migrations]
    there = db.conn.execute(
        "SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"
    ).fetchone()
    if not there:
        return False
    applied = db.conn.execute(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = 'ratify'"
    ).fetchall()
    unknown = sorted({row[0] for row in applied} - set(known))
    if unknown:
        raise StoreError(
            f"{name} was made by a newer Ratify (it knows '{unknown[-1]}'); update Ratify, or set"
            " CAI_HOME to another workspace"
        )
    return len(applied) == len(known)


def migrate(db: Database, name: str) -> bool:
    """Apply what is missing; whether anything was.

    Call it inside `write_tx`: two first starts at once then wait in line.
    """
    if is_current(db, name):
        return False
    STEPS.apply(db)
    return True
