"""The table of guidelines for reviewers. A step that was released is never edited: append a new one."""

from sqlite_utils import Database

from cai_core.store.steps import STEPS, frozen


@STEPS()
def m016_guidelines(db: Database) -> None:
    db.execute(
        """CREATE TABLE guidelines (
            seq INTEGER PRIMARY KEY,
            constitution TEXT NOT NULL,
            person TEXT NOT NULL,
            text TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX guidelines_constitution ON guidelines(constitution, seq)")
    frozen(db, "guidelines", sentence="guidelines are a log; write them anew")
