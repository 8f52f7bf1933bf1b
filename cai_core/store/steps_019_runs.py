"""What a person keeps about a job: a note, and that it is out of the way. A step that was released is never edited: append a new one."""

from sqlite_utils import Database

from cai_core.store.steps import STEPS


@STEPS()
def m019_runs(db: Database) -> None:
    db.execute("ALTER TABLE jobs ADD COLUMN note TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE jobs ADD COLUMN archived TEXT")
