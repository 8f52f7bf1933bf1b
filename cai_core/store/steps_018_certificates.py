"""The tables of the quality page: certificates that were stamped, temperatures in use. A step that was released is never edited: append a new one."""

from sqlite_utils import Database

from cai_core.store.steps import STEPS, frozen


@STEPS()
def m018_certificates(db: Database) -> None:
    db.execute(
        """CREATE TABLE certificates (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            subject TEXT NOT NULL,
            words TEXT NOT NULL,
            row TEXT NOT NULL,
            person TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX certificates_subject ON certificates(subject, seq)")
    frozen(db, "certificates", sentence="certificates are a log; stamp a new one")
    db.execute(
        """CREATE TABLE temperatures (
            seq INTEGER PRIMARY KEY,
            setting TEXT NOT NULL,
            temperature REAL,
            n INTEGER NOT NULL,
            person TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX temperatures_setting ON temperatures(setting, seq)")
    frozen(db, "temperatures", sentence="temperatures are a log; append another")
    # which labels are inconsistent, without reading every label
    db.execute("CREATE INDEX labels_inconsistent ON labels(seq) WHERE inconsistent")
