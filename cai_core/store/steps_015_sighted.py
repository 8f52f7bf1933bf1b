"""The table of pairs that a person saw with what a judge says of them. A step that was released is never edited: append a new one."""

from sqlite_utils import Database

from cai_core.store.steps import STEPS, frozen


@STEPS()
def m015_sighted(db: Database) -> None:
    db.execute(
        """CREATE TABLE sighted (
            person TEXT NOT NULL,
            pair TEXT NOT NULL REFERENCES pairs(id),
            created TEXT NOT NULL,
            PRIMARY KEY (person, pair)) WITHOUT ROWID"""
    )
    frozen(db, "sighted", sentence="what was seen was seen")
