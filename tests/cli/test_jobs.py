"""`jobs`: what can be asked of jobs from a terminal."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.jobs import folder, lock, queue
from cai_core.store import work
from tests.jobs.conftest import db, home, submit  # noqa: F401  fixtures


@pytest.fixture
def run(db, home):  # noqa: F811
    """Call `jobs ...`; the supervisor's lock is held, so that none is started."""

    def call(*arguments):
        return CliRunner().invoke(main, ["jobs", *arguments])

    with lock.hold(home / "supervisor.lock", taken="x"):
        yield call


def test_jobs_are_listed_newest_first(db, run):  # noqa: F811
    one, two = submit(db), submit(db, "sft")
    work.move(db, one.id, "failed", reason="the dataset is empty")
    lines = run("list").output.splitlines()
    assert lines[0].startswith(f"{two.id}  queued")
    assert lines[1].startswith(f"{one.id}  failed")
    assert lines[1].endswith("judge job  - the dataset is empty")
    assert run("list", "--state", "queued").output.count("\n") == 1
    rows = json.loads(run("list", "--json").output)
    assert [row["id"] for row in rows] == [two.id, one.id]


def test_an_empty_list_says_what_to_do(run):
    assert "there are no jobs" in run("list").output
    assert json.loads(run("list", "--json").output) == []


def test_an_unknown_state_is_a_usage_error(run):
    done = run("list", "--state", "busy")
    assert done.exit_code == 2
    assert "'busy'" in done.output


def test_a_job_is_shown(db, run):  # noqa: F811
    job = submit(db, rows=3)
    assert job.id in run("show", job.id).output
    row = json.loads(run("show", job.id, "--json").output)
    assert (row["state"], row["attempt"], row["progress"]["done"]) == ("queued", 1, 0)
    assert row["out"] == str(queue.folder_of(job.id) / "output.jsonl")
    assert row["argv"] == ["judge", "--rows", "3", "--out", "output.jsonl"]


def test_a_log_is_printed(db, run):  # noqa: F811
    job = submit(db)
    (queue.folder_of(job.id) / "log.txt").write_text("one\ntwo\nthree\n")
    assert run("logs", job.id, "--lines", "2").output == "two\nthree\n"


def test_a_job_is_cancelled_and_resumed(db, run):  # noqa: F811
    job = submit(db)
    assert json.loads(run("cancel", job.id, "--json").output)["state"] == "cancelled"
    row = json.loads(run("resume", job.id, "--json").output)
    assert (row["state"], row["attempt"]) == ("queued", 2)


def test_a_job_is_resumed_with_a_higher_budget(db, run):  # noqa: F811
    job = submit(db)
    run("cancel", job.id)
    assert run("resume", job.id, "--budget-tokens", "900").exit_code == 0
    run("cancel", job.id)
    assert run("resume", job.id, "--budget-cost", "2.5").exit_code == 0
    assert folder.read_budget(queue.folder_of(job.id)) == {"tokens": 900, "cost": 2.5}


def test_resuming_a_held_job_releases_it(db, run):  # noqa: F811
    job = submit(db)
    work.say(db, job.id, "held: review first")
    assert run("resume", job.id).exit_code == 0
    assert not work.get(db, job.id).held


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1)])
def test_waiting_tells_by_its_exit_code_how_the_job_ended(db, run, state, code):  # noqa: F811
    job = submit(db)
    work.move(db, job.id, "starting")
    work.move(db, job.id, state)
    assert run("wait", job.id).exit_code == code


def test_waiting_too_long_is_a_sentence(db, run):  # noqa: F811
    done = run("wait", submit(db).id, "--timeout", "0")
    assert done.exit_code == 1
    assert "error: 'judge job' is still queued after 0 s" in done.output


@pytest.mark.parametrize("command", ["show", "logs", "cancel", "resume", "wait"])
def test_an_unknown_job_is_a_sentence(run, command):
    done = run(command, "nope")
    assert done.exit_code == 1
    assert done.output == "error: there is no job with the id 'nope'\n"


def test_what_is_refused_is_a_sentence(db, run):  # noqa: F811
    job = submit(db)
    with folder.hold(queue.folder_of(job.id)):
        done = run("resume", job.id)
    assert done.output.startswith("error: 'judge job' is queued; only what did not finish")


def test_a_second_supervisor_is_a_sentence(run):
    done = run("supervise")
    assert done.exit_code == 1
    assert "a supervisor runs for" in done.output


def test_without_a_workspace_it_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "nowhere"))
    for command in (["list"], ["show", "x"], ["supervise"]):
        done = CliRunner().invoke(main, ["jobs", *command])
        assert done.exit_code == 1
        assert "make one with `python -m cai_core init`" in done.output
    assert not (tmp_path / "nowhere").exists()
