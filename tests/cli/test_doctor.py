"""The doctor."""

import json
import shutil
import sys
from collections import namedtuple

import pytest
from click.testing import CliRunner

from cai_core.cli import doctor
from cai_core.cli.main import main
from cai_core.settings import BUILTIN, Settings, database_path
from cai_core.store import database
from tests.tiny import save_tiny_model

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def healthy(tmp_path, monkeypatch):
    """A machine on which nothing is wrong: the tiny model stands for the built-in one."""
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    folder = save_tiny_model(tmp_path / "models" / "smollm2-135m-instruct")
    marker = {"recipe": 2, "fingerprint": "f"}
    (folder / "builtin.json").write_text(json.dumps(marker))
    database.connect().close()
    Settings().save()
    return folder


def run(*arguments):
    result = CliRunner().invoke(main, ["doctor", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def problems():
    result = run("--json")
    report = json.loads(result.stdout)
    assert set(report) == {"ok", "builtin_model", "device", "versions", "problems"}
    assert report["ok"] == (not report["problems"]) == (result.exit_code == 0)
    assert all(problem["what"] and problem["mend"] for problem in report["problems"])
    return [f"{problem['what']} -> {problem['mend']}" for problem in report["problems"]]


def test_a_healthy_machine_has_no_problems(healthy):
    result = run("--json")
    report = json.loads(result.stdout)
    assert (report["ok"], report["problems"], result.exit_code) == (True, [], 0)
    assert report["builtin_model"] == str(healthy)
    assert report["device"].startswith(("cpu", "cuda", "mps"))
    assert report["versions"]["torch"]
    assert "nothing is wrong" in run().stdout


def test_a_missing_model_is_named_with_the_command_that_fetches_it(healthy):
    shutil.rmtree(healthy)
    (said,) = problems()
    assert BUILTIN in said
    assert "models fetch" in said
    assert json.loads(run("--json").stdout)["builtin_model"] == ""


def test_an_old_python_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "PYTHON", (sys.version_info[0], sys.version_info[1] + 1))
    (said,) = problems()
    assert "this is Python" in said


def test_other_versions_than_the_pinned_ones_are_named(monkeypatch, tmp_path):
    pinned = tmp_path / "requirements.txt"
    pinned.write_text(
        "# pins\nclick==0.1\nnot-a-real-package==1\nnumpy==1; sys_platform == 'never'\n"
    )
    monkeypatch.setattr(doctor, "pins", lambda pins=doctor.pins: pins(pinned))
    said = problems()
    assert len(said) == 2
    assert said[0].startswith("click is ")
    assert "not-a-real-package is missing" in said[1]


def test_a_build_of_the_pinned_version_is_no_other_version(monkeypatch):
    monkeypatch.setattr(doctor, "_installed", lambda name: "2.13.0+cu130")
    torch = next(pin for pin in doctor.pins() if pin.name == "torch")
    assert torch.name not in " ".join(p.what for p in doctor.check_packages())


def test_a_full_disk_names_the_variable_that_moves_the_folder(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10, 10, 10**9))
    said = problems()
    assert len(said) == 2
    assert "CAI_HOME" in said[0]
    assert "CAI_MODELS" in said[1]


def test_unreadable_settings_are_named(tmp_path):
    (tmp_path / "home" / "settings.yaml").write_text("slots: many\n")
    (said,) = problems()
    assert "settings.yaml" in said
    assert "slots" in said


def test_a_model_of_the_settings_that_is_not_there_is_named():
    Settings(base_model="path:/nowhere").save()
    (said,) = problems()
    assert "path:/nowhere" in said


def test_a_damaged_database_is_named():
    database_path().write_bytes(b"this is no database at all" * 100)
    (said,) = problems()
    assert "ratify.db" in said
    assert "backup" in said


def test_a_newer_database_is_named():
    db = database.connect()
    db["_sqlite_migrations"].insert(
        {"migration_set": "ratify", "name": "m999_future", "applied_at": "2030"}
    )
    db.close()
    (said,) = problems()
    assert "newer" in said
    assert "update Ratify" in said


def test_a_workspace_that_is_not_made_yet_is_no_problem(tmp_path):
    shutil.rmtree(tmp_path / "home")
    assert problems() == []
    assert "not made yet" in run().stdout
    assert not (tmp_path / "home").exists()
