"""The tables of the constitution workbench: looks, findings, suites, drafts. A step that was released is never edited: append a new one."""

from sqlite_utils import Database

from cai_core.store.steps import STEPS, frozen


@STEPS()
def m010_looks(db: Database) -> None:
    db.execute(
        """CREATE TABLE looks (
            seq INTEGER PRIMARY KEY,
            version TEXT NOT NULL UNIQUE REFERENCES versions(id),
            job TEXT NOT NULL REFERENCES jobs(id),
            found TEXT NOT NULL,
            who TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    frozen(db, "looks", sentence="a look at the locked pairs cannot be taken back")


@STEPS()
def m011_accepted_findings(db: Database) -> None:
    db.execute(
        """CREATE TABLE accepted_findings (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            constitution TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            rule TEXT NOT NULL,
            key TEXT NOT NULL,
            message TEXT NOT NULL,
            note TEXT NOT NULL,
            who TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX accepted_constitution ON accepted_findings(constitution, fingerprint)")
    frozen(
        db, "accepted_findings", sentence="accepted findings are a log; append an undo or a new one"
    )


@STEPS()
def m012_suites(db: Database) -> None:
    db.execute(
        """CREATE TABLE suite_cases (
            seq INTEGER PRIMARY KEY,
            constitution TEXT NOT NULL,
            case_id TEXT NOT NULL,
            content TEXT NOT NULL,
            removed INTEGER NOT NULL,
            author TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX suite_cases_case ON suite_cases(constitution, case_id, seq)")
    frozen(db, "suite_cases", sentence="the cases of a suite are a log; append a new state")
    db.execute(
        """CREATE TABLE suite_results (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            case_id TEXT NOT NULL,
            digest TEXT NOT NULL,
            constitution_name TEXT NOT NULL,
            constitution_hash TEXT NOT NULL,
            how TEXT NOT NULL,
            outcome TEXT NOT NULL,
            seen TEXT NOT NULL,
            content TEXT NOT NULL,
            job TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute(
        "CREATE INDEX suite_results_asked"
        " ON suite_results(constitution_name, digest, constitution_hash, how, seq)"
    )
    db.execute("CREATE INDEX suite_results_job ON suite_results(job)")
    frozen(db, "suite_results", sentence="suite results are a log; run the suite again")


@STEPS()
def m013_drafts(db: Database) -> None:
    db.execute(
        """CREATE TABLE drafts (
            person TEXT NOT NULL,
            constitution TEXT NOT NULL,
            base TEXT REFERENCES versions(id),
            content TEXT NOT NULL,
            updated TEXT NOT NULL,
            PRIMARY KEY (person, constitution))"""
    )
    db.execute(
        """CREATE TABLE drafts_aside (
            seq INTEGER PRIMARY KEY,
            person TEXT NOT NULL,
            constitution TEXT NOT NULL,
            base TEXT REFERENCES versions(id),
            content TEXT NOT NULL,
            why TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX drafts_aside_person ON drafts_aside(person, seq)")
    frozen(db, "drafts_aside", sentence="what was set aside is a log; bring it back as a draft")
