"""`init`: the workspace, seeded once."""

import json
import shutil
import time
from dataclasses import replace

import pytest
from click.testing import CliRunner

from cai_core.cli.init import make_workspace
from cai_core.cli.main import main
from cai_core.constitution import document
from cai_core.settings import DATA_DIR, Settings
from cai_core.store import constitutions, database, labels, pairs, prompts
from tests.store.rows import PAIR, judgement


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "deep" / "home"))
    return tmp_path / "deep" / "home"


@pytest.fixture
def shipped(tmp_path):
    """A small data folder as it ships, with a sample."""
    data = tmp_path / "data"
    for name in ("constitutions", "prompts", "sample"):
        (data / name).mkdir(parents=True)
    shutil.copy(DATA_DIR / "constitutions" / "short.yaml", data / "constitutions")
    (data / "prompts" / "two.jsonl").write_text('{"prompt": "One?"}\n{"prompt": "Two?"}\n')
    judged = replace(judgement(), votes={})
    (data / "sample" / "pairs.jsonl").write_text(json.dumps(PAIR.to_row()) + "\n")
    (data / "sample" / "labels.jsonl").write_text(json.dumps(judged.to_row()) + "\n")
    return data


def run(*arguments):
    return CliRunner().invoke(main, arguments)


def test_init_makes_the_workspace_with_everything_that_ships(home):
    done = run("init")
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"workspace {home}: settings.yaml, ")
    assert Settings.load(home / "settings.yaml") == Settings()
    db = database.connect()
    shipped = [document.read(path) for path in DATA_DIR.glob("constitutions/*.yaml")]
    assert sorted(constitutions.names(db)) == sorted(c.name for c in shipped)
    for constitution in shipped:
        version = constitutions.newest(db, constitution.name)
        assert (version.number, version.author) == (1, "Ratify")
        assert version.constitution == constitution
    found = {each.name: each.n for each in prompts.sets(db)}
    assert set(found) == {path.stem for path in DATA_DIR.glob("prompts/*.jsonl")}
    assert all(found.values())


def test_init_again_changes_nothing_and_is_fast(home):
    run("init")
    db = database.connect()
    tables = [t.name for t in db.tables]
    before = {name: list(db[name].rows) for name in tables}
    began = time.monotonic()
    assert run("init").output == f"workspace {home}: everything was there\n"
    assert time.monotonic() - began < 2
    assert {name: list(db[name].rows) for name in tables} == before


def test_init_says_for_machines_what_it_made(home):
    first, second = (json.loads(run("init", "--json").output) for _ in range(2))
    assert (first["home"], second["made"]) == (str(home), [])
    assert "settings.yaml" in first["made"]


def test_the_sample_comes_with_its_pairs_and_judgements(home, shipped):
    assert make_workspace(shipped)[-2:] == ["pairs.jsonl", "labels.jsonl"]
    db = database.connect()
    assert [(p.id, p.source) for p in pairs.find(db)] == [(PAIR.id, "sample")]
    assert [(e.label.verdict, e.source) for e in labels.judgements(db)] == [("a", "sample")]
    assert make_workspace(shipped) == []
    assert labels.count(db) == 1


def test_a_shipped_file_that_changed_is_read_again_and_doubles_nothing(home, shipped):
    make_workspace(shipped)
    path = shipped / "prompts" / "two.jsonl"
    path.write_text(path.read_text() + '{"prompt": "Three?"}\n')
    assert make_workspace(shipped) == ["two.jsonl"]
    assert prompts.sets(database.connect())[0].n == 3


def test_what_a_person_saved_under_a_shipped_name_is_left_alone(home, shipped):
    theirs = document.read(shipped / "constitutions" / "short.yaml")
    mine = replace(theirs, principles=theirs.principles[:1])
    db = database.connect()
    constitutions.save(db, mine, author="Ada")
    make_workspace(shipped)
    assert constitutions.newest(db, theirs.name).constitution == mine


def test_settings_of_a_person_are_left_alone(home, shipped):
    home.mkdir(parents=True)
    Settings(slots=3).save()
    make_workspace(shipped)
    assert Settings.load().slots == 3


def test_a_bad_shipped_file_is_named_and_none_of_it_comes_in(home, shipped):
    (shipped / "prompts" / "two.jsonl").write_text('{"prompt": "One?"}\n{"prompt": ""}\n')
    with pytest.raises(Exception, match=r"two\.jsonl:2: 'prompt' is empty"):
        make_workspace(shipped)
    assert prompts.sets(database.connect()) == []
