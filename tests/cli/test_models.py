"""The models command."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.settings import BUILTIN, Endpoint, Settings
from tests.tiny import save_tiny_model


def run(*arguments):
    return CliRunner().invoke(main, ["models", *map(str, arguments)])


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    (tmp_path / "home").mkdir()
    return tmp_path


def test_list_says_what_is_ready_and_what_is_lacking(places):
    save_tiny_model(places / "tiny")
    lab = Endpoint(name="lab", base_url="http://127.0.0.1:9/v1", models=("llama",))
    Settings(models=(f"path:{places / 'tiny'}",), endpoints=(lab,)).save()
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        BUILTIN,
        f"path:{places / 'tiny'}",
        "endpoint:lab/llama",
    ]
    assert "not ready" in lines[0]
    assert "models fetch" in lines[0]
    assert "ready" in lines[1]
    assert "not ready" not in lines[1]


def test_list_gives_json(places):
    (row,) = json.loads(run("list", "--json").stdout)
    assert set(row) == {"id", "kind", "ready", "note"}
    assert (row["id"], row["kind"], row["ready"]) == (BUILTIN, "builtin", False)


def test_fetch_of_a_folder_that_is_there_prints_it(places):
    folder = save_tiny_model(places / "tiny")
    result = run("fetch", folder)
    assert (result.exit_code, result.stdout.strip()) == (0, str(folder))


def test_fetch_of_nonsense_is_one_sentence(places):
    result = run("fetch", "nonsense")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: 'nonsense' is no model id and no folder")
    assert len(result.stderr.splitlines()) == 1


def test_unreadable_settings_are_one_sentence(places):
    (places / "home" / "settings.yaml").write_text("base_model: [")
    result = run("list")
    assert result.exit_code == 1
    assert "settings.yaml" in result.stderr
