"""The tables of the first steps: constitutions, texts, pairs, labels, revisions, datasets, jobs. A step that was released is never edited: append a new one."""

from sqlite_utils import Database

from cai_core.store.steps import STEPS, frozen


@STEPS()
def m001_constitutions(db: Database) -> None:
    db.execute("CREATE TABLE constitutions (name TEXT PRIMARY KEY, created TEXT NOT NULL)")
    db.execute(
        """CREATE TABLE versions (
            id TEXT PRIMARY KEY,
            constitution TEXT NOT NULL REFERENCES constitutions(name),
            number INTEGER NOT NULL,
            hash TEXT NOT NULL,
            content TEXT NOT NULL,
            parent TEXT REFERENCES versions(id),
            author TEXT NOT NULL,
            message TEXT NOT NULL,
            created TEXT NOT NULL,
            UNIQUE (constitution, number))"""
    )
    db.execute("CREATE INDEX versions_hash ON versions(hash)")
    frozen(db, "versions", sentence="a version never changes; save a new one")


@STEPS()
def m002_texts_and_prompts(db: Database) -> None:
    db.execute("CREATE TABLE texts (id TEXT PRIMARY KEY, text TEXT NOT NULL)")
    db.execute("CREATE TABLE splits (key TEXT PRIMARY KEY, split TEXT NOT NULL)")
    db.execute(
        """CREATE TABLE prompts (
            id TEXT PRIMARY KEY,
            identity TEXT NOT NULL UNIQUE,
            messages TEXT NOT NULL REFERENCES texts(id),
            tags TEXT NOT NULL,
            source TEXT NOT NULL,
            split TEXT NOT NULL,
            extra TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX prompts_split ON prompts(split)")
    db.execute("CREATE TABLE prompt_sets (name TEXT PRIMARY KEY, created TEXT NOT NULL)")
    db.execute(
        """CREATE TABLE prompt_set_members (
            set_name TEXT NOT NULL REFERENCES prompt_sets(name),
            prompt TEXT NOT NULL REFERENCES prompts(id),
            position INTEGER NOT NULL,
            PRIMARY KEY (set_name, prompt))"""
    )
    db.execute("CREATE INDEX members_position ON prompt_set_members(set_name, position)")


@STEPS()
def m003_pairs(db: Database) -> None:
    db.execute(
        """CREATE TABLE pairs (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            identity TEXT NOT NULL UNIQUE,
            prompt TEXT NOT NULL REFERENCES texts(id),
            a TEXT NOT NULL REFERENCES texts(id),
            b TEXT NOT NULL REFERENCES texts(id),
            split TEXT NOT NULL,
            source TEXT NOT NULL,
            job TEXT NOT NULL,
            extra TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    for columns in ("prompt", "split", "source", "job"):
        db.execute(f"CREATE INDEX pairs_{columns} ON pairs({columns})")


@STEPS()
def m004_labels(db: Database) -> None:
    db.execute("CREATE TABLE vote_keys (id TEXT PRIMARY KEY, keys TEXT NOT NULL)")
    db.execute(
        """CREATE TABLE labels (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            pair TEXT NOT NULL REFERENCES pairs(id),
            kind TEXT NOT NULL,
            annotator TEXT NOT NULL,
            verdict TEXT, p_a REAL, p_raw REAL, order_ab REAL, order_ba REAL, "offset" REAL,
            flipped INTEGER, inconsistent INTEGER, mass REAL,
            votes BLOB, vote_keys TEXT REFERENCES vote_keys(id),
            method TEXT NOT NULL, principles TEXT NOT NULL, template TEXT NOT NULL,
            constitution_name TEXT, constitution_version INTEGER, constitution_hash TEXT,
            seed INTEGER, rationale TEXT NOT NULL, error TEXT NOT NULL,
            review TEXT, blind INTEGER,
            job TEXT NOT NULL, extra TEXT NOT NULL, created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX labels_pair ON labels(pair, kind, annotator, seq)")
    db.execute("CREATE INDEX labels_kind ON labels(kind, annotator, seq)")
    db.execute("CREATE INDEX labels_constitution ON labels(constitution_hash, kind)")
    db.execute("CREATE INDEX labels_job ON labels(job)")
    frozen(db, "labels", sentence="labels are a log; append an undo or a new verdict")
    db.execute(
        "CREATE TABLE undos (target TEXT PRIMARY KEY, who TEXT NOT NULL, created TEXT NOT NULL)"
    )
    frozen(db, "undos", sentence="labels are a log; append a new verdict")


@STEPS()
def m005_revisions(db: Database) -> None:
    db.execute(
        """CREATE TABLE revisions (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            row_id TEXT NOT NULL,
            prompt TEXT NOT NULL REFERENCES texts(id),
            content TEXT NOT NULL,
            split TEXT NOT NULL,
            model TEXT NOT NULL,
            constitution_name TEXT, constitution_version INTEGER, constitution_hash TEXT,
            failed INTEGER NOT NULL,
            job TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX revisions_prompt ON revisions(prompt)")
    db.execute("CREATE INDEX revisions_constitution ON revisions(constitution_hash)")
    db.execute("CREATE INDEX revisions_job ON revisions(job, row_id, seq)")
    db.execute("CREATE INDEX revisions_split ON revisions(split)")
    frozen(db, "revisions", sentence="revisions are a log; append a decision")
    db.execute(
        """CREATE TABLE decisions (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            revision TEXT NOT NULL REFERENCES revisions(id),
            person TEXT NOT NULL,
            verdict TEXT NOT NULL,
            text TEXT NOT NULL,
            note TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX decisions_revision ON decisions(revision, person, seq)")
    db.execute("CREATE INDEX decisions_person ON decisions(person, seq)")
    frozen(db, "decisions", sentence="decisions are a log; append an undo or a new one")


@STEPS()
def m006_datasets(db: Database) -> None:
    db.execute(
        """CREATE TABLE datasets (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            path TEXT NOT NULL,
            manifest TEXT NOT NULL,
            author TEXT NOT NULL,
            job TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    db.execute("CREATE INDEX datasets_kind ON datasets(kind, created)")
    frozen(db, "datasets", sentence="a dataset never changes; build a new one")


@STEPS()
def m007_jobs(db: Database) -> None:
    db.execute(
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            title TEXT NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            parent TEXT REFERENCES jobs(id),
            argv TEXT NOT NULL,
            config TEXT NOT NULL,
            submitted_by TEXT NOT NULL,
            progress TEXT NOT NULL,
            result TEXT NOT NULL,
            offsets TEXT NOT NULL,
            created TEXT NOT NULL,
            changed TEXT NOT NULL,
            started TEXT,
            ended TEXT)"""
    )
    db.execute("CREATE INDEX jobs_state ON jobs(state, created)")
    db.execute("CREATE INDEX jobs_kind ON jobs(kind, created)")
    db.execute("CREATE INDEX jobs_parent ON jobs(parent)")
    db.execute(
        """CREATE TABLE metrics (
            job TEXT NOT NULL REFERENCES jobs(id),
            name TEXT NOT NULL,
            step INTEGER NOT NULL,
            value REAL,
            PRIMARY KEY (job, name, step)) WITHOUT ROWID"""
    )


@STEPS()
def m008_audit(db: Database) -> None:
    db.execute(
        """CREATE TABLE audit (
            seq INTEGER PRIMARY KEY,
            who TEXT NOT NULL,
            what TEXT NOT NULL,
            detail TEXT NOT NULL,
            created TEXT NOT NULL)"""
    )
    frozen(db, "audit", sentence="the audit log is never changed")


@STEPS()
def m009_seeds(db: Database) -> None:
    db.execute("CREATE TABLE seeds (name TEXT PRIMARY KEY, digest TEXT NOT NULL)")
