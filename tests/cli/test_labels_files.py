"""`labels import|export`: files in, files out."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.schema import Label
from cai_core.store import database, labels
from tests.store.rows import REF, judgement, pair, review

FORMS = ["labels", "csv", "annotated-pairs", "argilla"]


def run(*arguments):
    return CliRunner().invoke(main, ["labels", *map(str, arguments)])


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    database.connect().close()


@pytest.fixture
def filled(workspace):
    db = database.connect()
    labels.add_many(db, [judgement(pair(f"{n}?")) for n in range(3)], source="web")
    labels.add(db, Label(pair("0?"), "b", 0.0, "person", "Ada", review=review()))
    db.close()


def standing():
    db = database.connect()
    try:
        return [one.label for one in labels.standing(db)]
    finally:
        db.close()


def row(verdict="a", question="How?"):
    return {**pair(question).to_row(), "label": verdict, "annotator": "Ada"}


def put(path, *rows):
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


@pytest.mark.parametrize("form", FORMS)
def test_what_was_exported_is_there_already_and_comes_into_another_workspace(
    filled, tmp_path, monkeypatch, form
):
    out = tmp_path / "out"
    assert run("export", "--out", out, "--as", form).exit_code == 0
    again = json.loads(run("import", out, "--json").stdout)
    assert (again["new"], again["already"], again["forms"]) == (0, 4, {str(out): form})
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "other"))
    database.connect().close()
    assert json.loads(run("import", out, "--json").stdout)["new"] == 4
    assert [(x.annotator, x.verdict, x.constitution) for x in standing() if x.kind == "judge"] == [
        ("m", "a", REF)
    ] * 3


def test_a_lossless_export_of_another_workspace_is_the_same_file(filled, tmp_path, monkeypatch):
    run("export", "--out", tmp_path / "one")
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "other"))
    database.connect().close()
    run("import", tmp_path / "one")
    run("export", "--out", tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_it_says_what_came_in_and_what_contradicts(filled, tmp_path):
    file = put(tmp_path / "l", row("a", "0?"), row("a", "1?"), row("a", "1?"))
    said = run("import", file)
    assert (
        "labelled pairs (JSON lines), 1 of 3 labels is new, 1 stands there already, 1"
        in said.stdout
    )
    assert "l:1: Ada says a, and b stands, on pair" in said.stdout
    assert "what stands was kept; --on-conflict append" in said.stdout
    run("import", file, "--on-conflict", "append")
    assert [x.verdict for x in standing() if x.annotator == "Ada"] == ["a", "a"]


def test_a_dry_run_writes_nothing(workspace, tmp_path):
    said = run("import", put(tmp_path / "l", row()), "--dry-run")
    assert "1 of 1 labels is new" in said.stdout
    assert "nothing was written" in said.stdout
    assert standing() == []


def test_a_bad_row_of_the_second_file_keeps_the_first_out_too(workspace, tmp_path):
    good, bad = put(tmp_path / "good", row()), put(tmp_path / "bad", row(), row("c", "Why?"))
    said = run("import", good, bad)
    assert said.exit_code == 1
    assert f"{bad}:2: 'label' is 'c'" in said.stderr
    assert standing() == []
    said = run("import", good, bad, "--skip-bad")
    assert said.exit_code == 0
    assert f"skipped: {bad}:2: 'label' is 'c'" in said.stderr
    assert len(standing()) == 1


def test_new_pairs_name_the_file_or_what_one_says_as_their_source(workspace, tmp_path):
    run("import", put(tmp_path / "team a.jsonl", row()))
    run("import", put(tmp_path / "b", row(question="Why?")), "--source", "lab")
    db = database.connect()
    assert [one.source for one in labels.standing(db)] == ["team a", "lab"]
    db.close()


def test_an_export_takes_what_the_filters_take_and_overwrites_nothing(filled, tmp_path):
    out = tmp_path / "out"
    found = json.loads(run("export", "--out", out, "--person", "Ada", "--json").stdout)
    assert found["labels"] == len(out.read_text().splitlines()) == 1
    said = run("export", "--out", out)
    assert said.exit_code == 1
    assert "is there already" in said.stderr
    said = run("export", "--out", tmp_path / "none", "--source", "nowhere")
    assert said.exit_code == 1
    assert "no label passes" in said.stderr
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out"]


def test_events_hold_what_was_undone(filled, tmp_path):
    db = database.connect()
    labels.undo(db, labels.add(db, Label(pair("0?"), "a", 1.0, "person", "Bo")), who="Bo")
    db.close()
    run("export", "--out", tmp_path / "e", "--events")
    rows = [json.loads(line) for line in (tmp_path / "e").read_text().splitlines()]
    assert [one["event"]["undone"] for one in rows if one["judge"] == "Bo"] == [True]
    assert json.loads(run("import", tmp_path / "e", "--json").stdout)["silent"] == 1
    assert run("export", "--out", tmp_path / "f", "--events", "--as", "csv").exit_code == 2


def test_the_agreement_of_everybody_is_a_form_of_its_own(filled, tmp_path):
    run("export", "--out", tmp_path / "a", "--as", "agreement")
    [couple] = json.loads((tmp_path / "a").read_text())["first_blind"]
    assert (couple["other"], couple["agreement"]["n"]) == ("person: Ada", 1)


def test_without_a_workspace_it_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "none"))
    for said in (run("import", put(tmp_path / "l", row())), run("export", "--out", tmp_path / "o")):
        assert said.exit_code == 1
        assert "python -m cai_core init" in said.stderr
