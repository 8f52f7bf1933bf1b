"""The tables of bulk labels and of decisions on helpful answers. A step that was released is never edited: append a new one."""

from sqlite_utils import Database

from cai_core.store.steps import STEPS, frozen


@STEPS()
def m017_helpful_decisions(db: Database) -> None:
    db.execute(
        """CREATE TABLE helpful_decisions (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            answer TEXT NOT NULL,
            person TEXT NOT NULL,
            verdict TEXT NOT NULL,
            text TEXT NOT NULL,
            note TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX helpful_decisions_answer ON helpful_decisions(answer, seq)")
    db.execute("CREATE INDEX helpful_decisions_person ON helpful_decisions(person, seq)")
    frozen(db, "helpful_decisions", sentence="decisions are a log; append an undo or a new one")
    db.execute(
        """CREATE TABLE batches (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            person TEXT NOT NULL,
            name TEXT NOT NULL,
            verdict TEXT NOT NULL,
            selection TEXT NOT NULL,
            n INTEGER NOT NULL,
            created TEXT NOT NULL)"""
    )
    frozen(db, "batches", sentence="batches are a log; append an undo")
