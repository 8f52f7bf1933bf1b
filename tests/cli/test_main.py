"""The command group."""

import subprocess
import sys
from importlib import import_module

import click
import pytest
from click.testing import CliRunner

from cai_core.cli.main import COMMANDS, main
from cai_core.settings import PROJECT_DIR

HEAVY = "{'torch', 'transformers', 'trl', 'datasets', 'streamlit', 'pandas', 'sklearn', 'scipy'}"


def test_help_imports_no_command_and_nothing_heavy():
    code = (
        "import sys; from cai_core.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"found = {HEAVY} | {{'cai_core.store.database', 'cai_core.cli.dataset'}}\n"
        "print(sorted(found & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_DIR, check=True
    )
    assert done.stderr.strip() == "[]"
    assert "constitution" in done.stdout


def test_the_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "cai_core", "--version"],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        check=True,
    )
    assert done.stdout.startswith("ratify ")


@pytest.mark.parametrize("name", main.list_commands(click.Context(main)))
def test_every_listed_command_is_there_and_has_a_sentence(name):
    command = main.get_command(click.Context(main), name)
    assert isinstance(command, click.Command)
    assert command.help
    assert COMMANDS[name].endswith(".")


def test_an_unknown_command_is_a_usage_error():
    result = CliRunner().invoke(main, ["nope"])
    assert result.exit_code == 2
    assert "No such command 'nope'" in result.stderr


def test_what_a_person_can_mend_is_one_sentence_and_exit_1(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "none"))
    result = CliRunner().invoke(main, ["constitution", "export", "c"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: there is no workspace in ")
    assert result.stdout == ""


def test_a_bug_keeps_its_traceback(monkeypatch):
    module = import_module("cai_core.cli.constitution")

    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(
        module.constitution.commands, "show", click.Command("show", callback=broken)
    )
    result = CliRunner().invoke(main, ["constitution", "show"])
    assert isinstance(result.exception, ZeroDivisionError)
