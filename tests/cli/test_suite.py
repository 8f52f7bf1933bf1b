"""`constitution test` as a command: lines, exit codes, files, and going on."""

import json
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.constitution import document
from cai_core.errors import ModelError
from cai_core.evaluate import suite_file
from cai_core.jobs import commands, folder
from cai_core.models import catalogue
from cai_core.schema import CaseResult
from cai_core.settings import JudgeSetting, Settings
from tests.evaluate.cases import HELP, REFUSAL, RULES, pair_case, prompt_case, scripted

KEPT = prompt_case("Tea?", "must keep the help", id="kept")
WINS = pair_case(1, 3, "b must win", id="wins")
LOSES = pair_case(1, 3, "a must win", id="loses")
GONE = prompt_case("Tea?", "must differ", id="gone", principle="gone")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    (tmp_path / "c.yaml").write_text(document.dump(RULES))
    return tmp_path


@pytest.fixture
def model(monkeypatch):
    model = scripted()
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: model)
    return model


def run(place, *more, cases=None, cache="none"):
    if cases:
        (place / "s.yaml").write_text(suite_file.dump(cases))
    words = ["constitution", "test", place / "c.yaml", "--suite", place / "s.yaml"]
    words += ["--judge", "path:m", "--model", "path:m", "--cache", cache, *more]
    return CliRunner().invoke(main, [str(word) for word in words])


def test_when_all_pass_it_says_so_and_exits_0(place, model):
    done = run(place, cases=[KEPT, WINS])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"rules {RULES.hash}: 2 passed, 0 failed, 0 errors, 0 disabled\n"


def test_a_failing_case_is_one_line_with_what_was_seen_and_exit_1(place, model):
    done = run(place, cases=[KEPT, LOSES])
    assert done.exit_code == 1
    first, last = done.stdout.splitlines()
    assert first.startswith("FAILED loses: A must win: B is better, P(A) 0.119; A first 0.119")
    assert last.endswith("1 passed, 1 failed, 0 errors, 0 disabled")
    assert "error:" not in done.stderr


def test_a_case_that_cannot_be_run_is_an_error_and_no_failure(place, model):
    done = run(place, cases=[KEPT, GONE])
    assert done.exit_code == 1
    assert "ERROR gone: must differ: constitution 'rules' has no principle 'gone'" in done.stdout
    assert "1 passed, 0 failed, 1 error" in done.stdout


def test_the_result_file_has_counts_and_the_whole_of_each_case(place, model):
    done = run(place, "--out", place / "new" / "r.json", "--json", cases=[LOSES, KEPT])
    assert done.exit_code == 1
    said, found = json.loads(done.stdout), json.loads((place / "new" / "r.json").read_text())
    assert (said["passed"], said["failed"], said["failed_by_reason"]) == (1, 1, {})
    assert [one["outcome"] for one in said["cases"]] == ["failed", "passed"]
    assert found["kind"] == "suite"
    rows = [CaseResult.from_row(row) for row in found["rows"]]
    assert [row.id for row in rows] == ["loses", "kept"]
    assert rows[0].label.orders is not None
    assert rows[1].revision.final == HELP


def test_junit_is_written_whether_they_pass_or_not(place, model):
    assert run(place, "--junit", place / "new" / "j.xml", cases=[LOSES, GONE]).exit_code == 1
    root = ElementTree.parse(place / "new" / "j.xml").getroot()
    assert (root.get("failures"), root.get("errors")) == ("1", "1")


def test_without_out_nothing_is_left_and_another_version_can_be_run_at_once(place, model):
    assert run(place, cases=[KEPT]).exit_code == 0
    (place / "c.yaml").write_text(document.dump(RULES).replace("more true", "truer"))
    assert run(place, cases=[KEPT, WINS]).exit_code == 0
    assert {path.name for path in place.iterdir()} == {"c.yaml", "s.yaml"}


def test_the_same_command_again_asks_nothing_twice_and_says_the_same(place, model):
    first = run(place, "--out", place / "r.json", cases=[KEPT, LOSES])
    asked = len(model.history)
    again = run(place, "--out", place / "r.json")
    assert (again.exit_code, again.stdout) == (1, first.stdout)
    assert len(model.history) == asked


def test_what_could_not_be_run_is_asked_again_alone(place, monkeypatch):
    def refuses(shown):
        raise ModelError("busy")

    used = iter([scripted(first=refuses), scripted()])
    models = []
    monkeypatch.setattr(
        catalogue, "load", lambda model_id, **more: models.append(next(used)) or models[-1]
    )
    out = ("--out", place / "r.json")
    assert "1 passed, 0 failed, 1 error" in run(place, *out, cases=[WINS, KEPT]).stdout
    done = run(place, *out)
    assert (done.exit_code, "2 passed" in done.stdout) == (0, True)
    assert len(models[1].history) == 3  # answer, critique, revision: the pair is not judged again


def test_a_run_that_was_stopped_goes_on(place, monkeypatch):
    job = place / "job"
    job.mkdir()

    def stopping(shown):
        (job / "stop").touch()
        return HELP

    models = iter([scripted(last=stopping), scripted()])
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: next(models))
    monkeypatch.setattr("cai_core.feedback.revise.BATCH", 1)
    coffee = prompt_case("Coffee?", "must not refuse", id="coffee")
    out = ("--out", place / "r.json", "--job", job)
    assert run(place, *out, cases=[KEPT, coffee]).exit_code == 1
    assert folder.read_end(job).state == "cancelled"
    assert len((place / "r.json.rows.jsonl.part").read_text().splitlines()) == 1
    folder.reset(job)
    done = run(place, *out)
    assert done.exit_code == 0, done.output
    assert len(json.loads((place / "r.json").read_text())["rows"]) == 2


def test_another_constitution_under_the_same_out_is_refused(place, model):
    run(place, "--out", place / "r.json", cases=[KEPT])
    before = (place / "r.json").read_text()
    (place / "c.yaml").write_text(document.dump(RULES).replace("more true", "truer"))
    done = run(place, "--out", place / "r.json")
    assert done.exit_code == 1
    assert "was made with other settings (constitution:" in done.stderr
    assert (place / "r.json").read_text() == before


def test_a_bad_suite_is_one_sentence_with_its_line_and_nothing_is_asked(place, model):
    (place / "s.yaml").write_text("cases:\n  - prompt: x\n    expect: maybe\n")
    done = run(place)
    assert done.exit_code == 1
    assert f"error: {place / 's.yaml'}:3: 'expect' is 'maybe'" in done.stderr
    assert model.history == []


def test_skip_bad_is_a_usage_error(place, model):
    done = run(place, "--skip-bad", cases=[KEPT])
    assert done.exit_code == 2


def test_the_workspaces_judge_is_asked_unless_told(place, model):
    (place / "home").mkdir()
    setting = JudgeSetting(model="path:m", principles="whole", tie_band=0.45)
    Settings(judge=setting, base_model="path:m").save(place / "home" / "settings.yaml")
    (place / "s.yaml").write_text(suite_file.dump([WINS]))
    words = ["constitution", "test", place / "c.yaml", "--suite", place / "s.yaml", "--json"]
    done = CliRunner().invoke(main, [str(w) for w in [*words, "--cache", "none"]])
    assert "a tie, P(A) 0.119" in json.loads(done.stdout)["cases"][0]["seen"]
    assert len(model.history) == 2  # one question an order


def test_as_a_job_a_failing_case_is_a_result_and_no_failure_of_the_job(place, model, monkeypatch):
    job = place / "job"
    files = {"constitution.yaml": document.dump(RULES), "suite.yaml": suite_file.dump([LOSES])}
    folder.create(job, {}, files)
    monkeypatch.chdir(job)
    options = {"suite": "suite.yaml", "judge": "path:m", "model": "path:m", "cache": "none"}
    argv = [*commands.argv("suite", options), "--job", str(job)]
    assert CliRunner().invoke(main, argv).exit_code == 1
    end = folder.read_end(job)
    assert (end.state, end.result["failed"]) == ("succeeded", 1)
    assert (job / commands.command("suite").rows_file).exists()


def test_a_refusing_revision_fails_the_help(place, monkeypatch):
    model = scripted(last=REFUSAL)
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: model)
    done = run(place, cases=[KEPT])
    assert "FAILED kept: must keep the help: the revision refuses" in done.stdout
