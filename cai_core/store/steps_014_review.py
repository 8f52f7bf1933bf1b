"""The tables of the review room: what stands, what is leased and drawn, corrections, words to search. A step that was released is never edited: append a new one."""

from sqlite_utils import Database

from cai_core.store.steps import STEPS, frozen


@STEPS()
def m014_review(db: Database) -> None:
    _derived(db)
    db.execute(
        """CREATE TABLE leases (
            seq INTEGER PRIMARY KEY,
            pair INTEGER NOT NULL UNIQUE,
            person TEXT NOT NULL,
            asked TEXT NOT NULL,
            queue TEXT NOT NULL,
            scope TEXT NOT NULL,
            pi REAL,
            again INTEGER NOT NULL,
            until TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX leases_person ON leases(person, asked)")
    db.execute(
        """CREATE TABLE draws (
            seq INTEGER PRIMARY KEY,
            scope TEXT NOT NULL,
            pair INTEGER NOT NULL,
            queue TEXT NOT NULL,
            pi REAL NOT NULL,
            label TEXT NOT NULL REFERENCES labels(id),
            created TEXT NOT NULL,
            UNIQUE (scope, pair))"""
    )
    db.execute("CREATE INDEX draws_pair ON draws(pair)")
    frozen(db, "draws", sentence="draws are a log; what was drawn was drawn")
    db.execute(
        """CREATE TABLE repeats (
            pair INTEGER NOT NULL,
            person TEXT NOT NULL,
            label INTEGER NOT NULL,
            PRIMARY KEY (person, pair)) WITHOUT ROWID"""
    )
    db.execute(
        """CREATE TABLE keys_taken (
            client TEXT NOT NULL,
            number INTEGER NOT NULL,
            event TEXT NOT NULL,
            PRIMARY KEY (client, number)) WITHOUT ROWID"""
    )
    db.execute(
        """CREATE TABLE corrections (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            pair TEXT NOT NULL REFERENCES pairs(id),
            person TEXT NOT NULL,
            text TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX corrections_person ON corrections(person, seq)")
    frozen(db, "corrections", sentence="corrections are a log; append an undo or a new one")


def _derived(db: Database) -> None:
    """What the log of labels says now, by pair; written again from the log at every write."""
    db.execute(
        """CREATE TABLE annotators (
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL, annotator TEXT NOT NULL, method TEXT NOT NULL,
            principles TEXT NOT NULL, template TEXT NOT NULL, constitution TEXT NOT NULL,
            UNIQUE (kind, annotator, method, principles, template, constitution))"""
    )
    db.execute(
        """CREATE TABLE standing (
            pair INTEGER NOT NULL,
            annotator INTEGER NOT NULL,
            label INTEGER NOT NULL,
            verdict TEXT,
            p REAL,
            PRIMARY KEY (pair, annotator)) WITHOUT ROWID"""
    )
    db.execute("CREATE INDEX standing_annotator ON standing(annotator, pair, label, verdict, p)")
    db.execute(
        """CREATE TABLE pair_states (
            pair INTEGER PRIMARY KEY,
            split TEXT NOT NULL, source TEXT NOT NULL, job TEXT NOT NULL,
            judged INTEGER NOT NULL DEFAULT 0,
            inconsistent INTEGER NOT NULL DEFAULT 0,
            readers INTEGER NOT NULL DEFAULT 0,
            said INTEGER NOT NULL DEFAULT 0,
            blind INTEGER NOT NULL DEFAULT 0,
            disputed INTEGER NOT NULL DEFAULT 0,
            adjudicated INTEGER NOT NULL DEFAULT 0,
            contested INTEGER NOT NULL DEFAULT 0,
            twice INTEGER NOT NULL DEFAULT 0,
            drawn INTEGER NOT NULL DEFAULT 0,
            level INTEGER NOT NULL DEFAULT 0)"""
    )
    db.execute("CREATE INDEX pair_states_open ON pair_states(drawn, level, readers, blind)")
    for column in ("source", "job", "split"):
        db.execute(f"CREATE INDEX pair_states_{column} ON pair_states({column}, level)")
    for column in ("disputed", "contested", "readers"):
        db.execute(f"CREATE INDEX pair_states_{column} ON pair_states({column}) WHERE {column} > 0")
    db.execute(
        "CREATE INDEX pair_states_twice ON pair_states(pair) WHERE twice = 1 AND readers = 1"
    )
    db.execute(
        "CREATE VIRTUAL TABLE pair_words USING fts5(words, content='', detail='full',"
        ' tokenize="unicode61 remove_diacritics 2")'
    )
