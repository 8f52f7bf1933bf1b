"""`constitution import|export|convert|candidates` over every form."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.constitution import document
from cai_core.schema import Constitution, Principle
from cai_core.store import constitutions, database

RECIPE = {
    "constitutions": [{"critic": "Say what is rude.", "revision": "Make it polite.", "id": 1}],
    "system_chat": [[{"role": "user", "content": "Hi"}]],
}
PROSE = "The assistant should explain its reasoning. It should never invent a source. " + (
    "People come with many things on their minds. " * 40
)
FULL = Constitution(
    "full",
    (
        Principle(
            "kind", "Which is kinder?", "Find.", "Mend.", 2.0, tags=("tone",), source="x:1: y"
        ),
        Principle("off", "Which is calmer?", enabled=False),
    ),
    "All there is.",
)


def run(*arguments):
    return CliRunner().invoke(main, ["constitution", *map(str, arguments)])


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    database.connect().close()


def put(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def newest(name):
    db = database.connect()
    try:
        return constitutions.newest(db, name)
    finally:
        db.close()


def test_a_recipe_is_imported_and_what_it_says_besides_is_listed(workspace, tmp_path):
    result = run("import", put(tmp_path, "polite.json", json.dumps(RECIPE)), "--author", "Ada")
    assert "'polite' is saved as version 1" in result.stdout
    assert result.stderr.count("not taken over: ") == 2
    assert newest("polite").constitution.principles[0].revision == "Make it polite."


def test_a_name_can_be_given(workspace, tmp_path):
    run("import", put(tmp_path, "a.md", "- Be kind\n- Be true\n"), "--name", "ours")
    assert [p.text for p in newest("ours").constitution.principles] == ["Be kind", "Be true"]


def test_prose_is_imported_by_the_keys_of_its_candidates(workspace, tmp_path):
    path = put(tmp_path, "long.txt", PROSE)
    assert "give --accept" in run("import", path).stderr
    listed = json.loads(run("candidates", path, "--json").stdout)
    assert [row["key"] for row in listed] == ["explain-reasoning", "invent-source"]
    assert listed[0]["source"].startswith("long.txt:1: The assistant should explain its reasoning.")
    run("import", path, "--accept", "invent-source")
    (principle,) = newest("long").constitution.principles
    assert principle.text == "Which response takes more care not to invent a source?"
    assert principle.source.startswith("long.txt:1: ")


def test_candidates_are_printed_with_line_key_and_wording(tmp_path):
    result = run("candidates", put(tmp_path, "long.txt", PROSE))
    assert "     1  explain-reasoning\n" in result.stdout
    assert "2 candidates" in result.stderr


def test_a_key_that_is_no_candidate_is_refused_and_nothing_is_saved(workspace, tmp_path):
    result = run("import", put(tmp_path, "long.txt", PROSE), "--accept", "explain-reasoning,nope")
    assert (result.exit_code, "no candidate 'nope'" in result.stderr) == (1, True)
    db = database.connect()
    assert constitutions.names(db) == []
    db.close()


def test_accept_is_refused_for_what_is_no_prose(tmp_path):
    path = put(tmp_path, "a.md", "- Be kind\n")
    assert (
        "--accept is for prose"
        in run("convert", path, "--from", "markdown", "--accept", "all").stderr
    )


def test_a_file_is_converted_without_a_workspace_and_losses_are_said(tmp_path):
    path = put(tmp_path, "full.yaml", document.dump(FULL))
    out = tmp_path / "full.md"
    result = run("convert", path, "--form", "markdown", "--out", out)
    assert result.exit_code == 0
    assert "not held: the weights of 1 principle (kind)" in result.stderr
    assert "(off), because they are disabled" in result.stderr
    back = document.parse(run("convert", out).stdout)
    assert back.principles == (
        Principle("kind", "Which is kinder?", "Find.", "Mend.", tags=("tone",), source="x:1: y"),
    )


def test_an_export_is_what_the_workspace_has(workspace, tmp_path):
    run("import", put(tmp_path, "full.yaml", document.dump(FULL)))
    out = tmp_path / "out.json"
    assert run("export", "full", "--form", "paper-comparisons", "--out", out).exit_code == 0
    assert out.read_text() == '["\\nWhich is kinder? Options:"]'
    assert document.parse(run("export", "full").stdout) == FULL


def test_another_file_is_never_overwritten(workspace, tmp_path):
    run("import", put(tmp_path, "full.yaml", document.dump(FULL)))
    out = put(tmp_path, "out.yaml", "mine")
    result = run("export", "full", "--out", out)
    assert (result.exit_code, out.read_text()) == (1, "mine")
    assert "is there already" in result.stderr
    out.write_text(document.dump(FULL))
    assert run("export", "full", "--out", out).exit_code == 0


def test_a_folder_that_is_missing_is_made(workspace, tmp_path):
    path = put(tmp_path, "full.yaml", document.dump(FULL))
    run("import", path)
    for command, name in (("convert", path), ("export", "full")):
        out = tmp_path / command / "deep" / "full.md"
        assert run(command, name, "--form", "markdown", "--out", out).exit_code == 0
        assert out.read_text().startswith("# full")
        assert [file.name for file in out.parent.iterdir()] == ["full.md"]


def test_what_cannot_be_written_is_said_in_a_sentence(tmp_path):
    path = put(tmp_path, "full.yaml", document.dump(FULL))
    result = run("convert", path, "--out", path / "below.yaml")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "below.yaml: cannot be written: " in result.stderr


def test_a_malformed_file_is_one_sentence_and_nothing_is_saved(workspace, tmp_path):
    result = run("import", put(tmp_path, "a.json", '["a",\n 3]'))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "a.json:2: a comparison must be a text" in result.stderr
    db = database.connect()
    assert constitutions.names(db) == []
    db.close()


def test_show_and_lint_read_other_forms(tmp_path):
    path = put(tmp_path, "a.json", '["\\nWhich is kinder? Options:"]')
    assert "Which is kinder?" in run("show", path).stdout
    assert run("lint", path).exit_code == 0
