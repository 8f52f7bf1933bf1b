"""How the database is opened, written and checked, by one and by many."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlite_utils.utils import sqlite3

from cai_core.errors import StoreError
from cai_core.settings import PROJECT_DIR
from cai_core.store import database, migrations
from cai_core.store.database import write_tx


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "ratify.db"


def test_a_new_database_is_made_with_its_folder_and_survives_power_cuts(path):
    db = database.connect(path)
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert db.execute("PRAGMA busy_timeout").fetchone()[0] == 30_000
    assert db["labels"].exists()


def test_without_a_path_the_workspace_in_cai_home_is_opened(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "elsewhere"))
    database.connect().close()
    assert (tmp_path / "elsewhere" / "ratify.db").exists()


def test_opening_again_takes_a_few_milliseconds(path):
    database.connect(path).close()
    times = []
    for _ in range(20):
        began = time.perf_counter()
        database.connect(path).close()
        times.append(time.perf_counter() - began)
    assert min(times) < 0.005


def test_opening_again_does_not_wait_for_somebody_who_writes(path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    writer = database.connect(path)
    with write_tx(writer):
        reader = database.connect(path)
        assert reader["labels"].count == 0


def test_a_database_of_a_newer_ratify_is_refused_and_left_alone(path):
    db = database.connect(path)
    row = {"migration_set": "ratify", "name": "m999_future", "applied_at": "now"}
    db["_sqlite_migrations"].insert(row)
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"ratify\.db was made by a newer Ratify.*m999_future"):
        database.connect(path)
    assert path.read_bytes() == before


def test_a_missing_step_is_applied_and_keeps_the_rows(path):
    db = database.connect(path)
    database.audit(db, "Ada", "test")
    db["_sqlite_migrations"].delete_where("name = 'm011_accepted_findings'")
    db["accepted_findings"].drop()
    db.close()
    db = database.connect(path)
    assert db["accepted_findings"].exists()
    assert db["audit"].count == 1


def test_steps_are_numbered_in_order():
    names = [step.name for step in migrations.STEPS._migrations]
    numbers = [int(name[1:4]) for name in names]
    assert numbers == list(range(1, len(names) + 1))


def test_a_damaged_file_is_said_in_a_sentence(path):
    path.parent.mkdir()
    path.write_bytes(b"this is no database " * 500)
    with pytest.raises(StoreError, match="damaged; put a backup"):
        database.connect(path)


def test_damage_inside_is_said_in_a_sentence_when_it_is_met(path):
    db = database.connect(path)
    with write_tx(db):
        for i in range(2000):
            database.audit(db, "Ada", "test", n=i)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged; put a backup"):
        database.rows(database.connect(path), "SELECT * FROM audit ORDER BY detail")


def test_a_locked_database_is_said_in_a_sentence(path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    one, two = database.connect(path), database.connect(path)
    with write_tx(one), pytest.raises(StoreError, match="locked by another program"), write_tx(two):
        pass


def test_a_folder_in_the_place_of_the_file_is_said_in_a_sentence(path):
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be opened"):
        database.connect(path)


def _fail(db):
    with write_tx(db):
        database.audit(db, "Ada", "test")
        raise ZeroDivisionError


def test_an_error_takes_back_the_whole_transaction(db):
    with pytest.raises(ZeroDivisionError):
        _fail(db)
    assert db["audit"].count == 0


def test_an_inner_transaction_is_part_of_the_outer_one(db):
    def both():
        with write_tx(db):
            database.audit(db, "Ada", "outer")
            _fail(db)

    with pytest.raises(ZeroDivisionError):
        both()
    assert db["audit"].count == 0


def test_the_audit_log_cannot_be_changed(db):
    database.audit(db, "Ada", "test")
    for sql in ("UPDATE audit SET who = 'Eve'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            db.execute(sql)


def test_eight_who_read_and_then_write_lose_nothing(path):
    database.connect(path).close()

    def count_up(_):
        db = database.connect(path)
        for _ in range(20):
            with write_tx(db):
                n = database.rows(db, "SELECT count(*) AS n FROM audit")[0]["n"]
                database.audit(db, "Ada", "test", n=n)
        db.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count_up, range(8)))
    details = database.rows(database.connect(path), "SELECT detail FROM audit ORDER BY seq")
    assert [row["detail"] for row in details] == [f'{{"n":{n}}}' for n in range(160)]


def _python(code, path):
    head = f"from pathlib import Path\nfrom cai_core.store import database\npath = Path({str(path)!r})\n"
    return subprocess.Popen([sys.executable, "-c", head + code], cwd=PROJECT_DIR)


def test_first_starts_at_the_same_time_make_one_database(path):
    starts = [_python("database.connect(path)", path) for _ in range(6)]
    assert [process.wait() for process in starts] == [0] * 6
    assert database.connect(path)["_sqlite_migrations"].count == len(migrations.STEPS._migrations)


def test_what_was_committed_survives_a_kill(path, tmp_path):
    code = (
        "db = database.connect(path)\nn = 0\nwhile True:\n"
        "    with database.write_tx(db):\n"
        "        database.audit(db, 'Ada', 'test', n=n)\n"
        "    n += 1\n"
        "    part = path.with_name('part')\n"
        "    part.write_text(str(n))\n"
        "    part.replace(path.with_name('done'))\n"
    )
    writer = _python(code, path)
    done = path.with_name("done")
    deadline = time.monotonic() + 30
    while not (done.exists() and int(done.read_text()) > 5) and time.monotonic() < deadline:
        time.sleep(0.01)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    said = int(done.read_text())
    db = database.connect(path)
    kept = database.rows(db, "SELECT count(*) AS n FROM audit")[0]["n"]
    assert kept >= said > 0
    assert database.rows(db, "PRAGMA integrity_check") == [{"integrity_check": "ok"}]
