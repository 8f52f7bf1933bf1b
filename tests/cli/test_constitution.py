"""The constitution command."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.constitution import document
from cai_core.schema import Constitution, Principle
from cai_core.settings import Endpoint, JudgeSetting, Settings
from cai_core.store import constitutions, database
from tests.tiny import save_tiny_model

GOOD = Constitution(
    "c", (Principle("kind", "Which response is kinder and not preachy?", "Find fault.", "Mend."),)
)


def run(*arguments):
    return CliRunner().invoke(main, ["constitution", *map(str, arguments)])


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text(document.dump(GOOD))
    return path


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("name: c\nname: d\n")
    return path


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    database.connect().close()


def test_lint_has_nothing_to_remark_on_a_good_file(good):
    result = run("lint", good)
    assert (result.exit_code, result.stdout) == (0, "nothing to remark\n")


def test_lint_reports_an_unreadable_file_beside_others_and_exits_1(good, bad):
    result = run("lint", bad, good)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{bad}: error: 2: not YAML")


def test_lint_gives_findings_as_json(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("name: c\nprinciples:\n  - key: k\n    text: Which is more harmless?\n")
    result = run("lint", path, "--json")
    assert result.exit_code == 0
    row = json.loads(result.stdout)[0]
    assert {"file", "level", "rule", "key", "message", "reason", "source", "fingerprint"} == set(
        row
    )
    assert row["rule"] == "no-counterweight"


def test_lint_gives_each_rule_once_with_reason_and_source(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "name: c\nprinciples:\n  - {key: a, text: Which is better?}\n"
        "  - {key: b, text: Which response is more ethical and not preachy?}\n"
    )
    lines = run("lint", path).stdout.splitlines()
    assert sum(line.endswith("[vague-term]") for line in lines) == 2
    at = lines.index("vague-term")
    assert lines[at + 1].startswith("  why: The word leaves it to the judge")
    assert lines[at + 2] == "  source: C3AI (arXiv 2502.15861), abstract"
    assert lines.count("vague-term") == 1


def test_lint_counts_with_the_tokenizer_of_a_judge(tmp_path):
    judge = f"path:{save_tiny_model(tmp_path / 'tiny')}"
    path = tmp_path / "c.yaml"
    text = "Which response is calmer, not preachy, " + "and calmer " * 200
    path.write_text(f"name: c\nprinciples:\n  - {{key: long, text: '{text}'}}\n")
    result = run("lint", path, "--judge", judge)
    assert result.exit_code == 0
    assert "[too-long-for-judge]" in result.stdout
    assert f"the window of {judge} has 1024" in result.stdout
    assert result.stderr == ""
    assert "[too-long-for-judge]" not in run("lint", path).stdout


@pytest.mark.parametrize("asked", ["whole", "each", "draw", None])
def test_lint_counts_all_questions_together_where_they_are_asked_in_one(workspace, tmp_path, asked):
    judge = f"path:{save_tiny_model(tmp_path / 'tiny')}"
    Settings(judge=JudgeSetting(model=judge, principles="whole")).save()
    path = tmp_path / "c.yaml"
    rows = "".join(
        f"  - {{key: k{n}, text: 'Which response is calmer, not preachy, {'now ' * 30}?'}}\n"
        for n in range(20)
    )
    path.write_text(f"name: c\nprinciples:\n{rows}")
    result = run("lint", path, "--judge", judge, *(["--principles", asked] if asked else []))
    told = [line for line in result.stdout.splitlines() if line.endswith("[too-long-for-judge]")]
    assert result.exit_code == 0
    assert len(told) == (asked in ("whole", None))
    assert all("its 20 questions are asked in one" in line for line in told)


def test_lint_says_what_is_not_known_of_a_judge(good, workspace):
    settings = Settings(endpoints=(Endpoint(name="lab", base_url="http://127.0.0.1:1/v1"),))
    settings.save()
    result = run("lint", good, "--judge", "endpoint:lab/big")
    assert (result.exit_code, result.stdout) == (0, "nothing to remark\n")
    assert "estimated by characters" in result.stderr
    assert "its window is not known" in result.stderr


@pytest.mark.parametrize("judge", ["nonsense", "endpoint:none/big"])
def test_lint_refuses_a_judge_that_is_none(good, workspace, judge):
    result = run("lint", good, "--judge", judge)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")


def test_show_prints_principles_and_hash(good):
    result = run("show", good)
    assert GOOD.hash in result.stdout
    assert "1. kind" in result.stdout


def test_a_bad_file_is_one_sentence(bad):
    result = run("show", bad)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {bad}:2: not YAML")
    assert result.stderr.count("\n") == 1


def test_diff_prints_changed_words(good, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(good.read_text().replace("kinder", "warmer"))
    assert "[-kinder-][+warmer+]" in run("diff", good, other).stdout


def test_what_is_imported_comes_out_again(workspace, good, tmp_path):
    assert "is saved as version 1" in run("import", good, "--author", "Ada").stdout
    assert "is already version 1" in run("import", good, "--author", "Ada").stdout
    good.write_text(good.read_text().replace("kinder", "warmer"))
    assert "is saved as version 2" in run("import", good, "--author", "Ada").stdout
    out = tmp_path / "out.yaml"
    out.write_text(run("export", "c", "--version", 1).stdout)
    assert document.read(out) == GOOD
    assert "warmer" in run("export", "c").stdout


def test_import_keeps_author_and_message(workspace, good):
    run("import", good, "--author", "Ada", "--message", "begin")
    db = database.connect()
    version = constitutions.newest(db, "c")
    db.close()
    assert (version.author, version.message) == ("Ada", "begin")


def test_a_constitution_that_is_not_there_is_a_sentence(workspace):
    result = run("export", "none")
    assert result.exit_code == 1
    assert "there is no constitution 'none'" in result.stderr


def test_a_user_without_a_name_can_import(workspace, good, monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert run("import", good).exit_code == 0
    db = database.connect()
    assert constitutions.newest(db, "c").author == "command line"
    db.close()


def test_version_nought_is_no_version(workspace, good):
    run("import", good, "--author", "Ada")
    assert "has no version 0" in run("export", "c", "--version", 0).stderr
