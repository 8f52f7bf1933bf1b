"""What pages and commands ask of jobs."""

import json
import os
from dataclasses import replace

import pytest

from cai_core.curate import formats
from cai_core.errors import JobError, NotFoundError
from cai_core.jobs import commands, folder, ingest, queue
from cai_core.schema import ConstitutionRef
from cai_core.settings import PROJECT_DIR
from cai_core.store import labels, pairs, work
from tests.jobs.conftest import submit
from tests.store.rows import judgement, pair, review


def test_a_submitted_job_is_a_row_and_a_folder(db, home):
    job = queue.Submission(
        kind="judge",
        title="Judge ten pairs",
        options={"pairs": "input.jsonl", "judge": "m", "skip_bad": True, "seed": 0, "cache": None},
        files={"input.jsonl": [{"id": "1"}]},
        constitution=ConstitutionRef("short", "abc", 2),
        config={"source": "hh"},
    )
    made = queue.submit(db, job, by="Ada", supervise=False)
    assert (made.state, made.submitted_by, made.title) == ("queued", "Ada", "Judge ten pairs")
    assert " ".join(made.argv) == (
        "judge --pairs input.jsonl --judge m --skip-bad --seed 0 --out output.jsonl"
    )
    assert made.config["constitution"] == {"name": "short", "version": 2, "hash": "abc"}
    assert made.config["source"] == "hh"
    place = queue.folder_of(made.id)
    assert place == home / "runs" / made.id
    assert folder.read_config(place)["config"] == made.config
    assert json.loads((place / "input.jsonl").read_text()) == {"id": "1"}
    assert queue.out_of(made) == place / "output.jsonl"
    assert queue.get(db, made.id) == made
    assert [row["what"] for row in db["audit"].rows] == ["submit job"]


def test_options_become_a_command_line():
    options = {"set": {"lr": 1e-5, "epochs": 2}, "filter": ["a=1", "b"], "x_y": 0, "no": False}
    assert commands.argv("ppo", options) == (
        *("train", "ppo", "--set", "lr=1e-05", "--set", "epochs=2"),
        *("--filter", "a=1", "--filter", "b", "--x-y", "0", "--out", "out"),
    )


def test_an_unknown_kind_or_parent_leaves_nothing_behind(db, home):
    with pytest.raises(JobError, match="no job of the kind 'bake'; kinds are revise"):
        submit(db, "bake")
    with pytest.raises(NotFoundError, match="no job with the id 'x'"):
        submit(db, parent="x")
    assert work.find(db) == []
    assert not (home / "runs").exists()


def test_a_waiting_job_is_taken_from_the_queue(db):
    job = queue.cancel(db, submit(db).id, by="Ada", supervise=False)
    assert (job.state, job.reason) == ("cancelled", "cancelled by Ada before it ran")


def test_a_running_job_is_asked_to_stop(db):
    job = submit(db)
    work.move(db, job.id, "starting")
    work.move(db, job.id, "running")
    stopped = queue.cancel(db, job.id, by="Ada", supervise=False)
    assert (stopped.state, stopped.reason) == ("stopping", "cancelled by Ada")
    assert folder.should_stop(queue.folder_of(job.id))
    assert queue.cancel(db, job.id, by="Grace", supervise=False).reason == "cancelled by Ada"


def end(db, job, state):
    for step in ("starting", state):
        assert work.move(db, job.id, step)


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled", "interrupted"])
def test_what_has_ended_cannot_be_cancelled(db, state):
    job = submit(db)
    end(db, job, state)
    with pytest.raises(JobError, match=f"has ended already .{state}"):
        queue.cancel(db, job.id, by="Ada", supervise=False)


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted"])
def test_what_did_not_finish_goes_on_as_the_next_attempt(db, state):
    job = submit(db)
    place = queue.folder_of(job.id)
    end(db, job, state)
    folder.finish(place, "failed", "why")
    folder.stop(place)
    folder.pause(place)
    again = queue.resume(db, job.id, by="Ada", supervise=False)
    assert (again.state, again.attempt, again.reason) == ("queued", 2, "")
    assert folder.read_end(place) is None
    assert not folder.should_stop(place)


def test_what_runs_or_waits_or_succeeded_cannot_be_resumed(db):
    job = submit(db)
    with pytest.raises(JobError, match="is queued; only what did not finish"):
        queue.resume(db, job.id, by="Ada", supervise=False)
    end(db, job, "succeeded")
    with pytest.raises(JobError, match="is succeeded"):
        queue.resume(db, job.id, by="Ada", supervise=False)


def test_a_job_that_still_lives_cannot_be_resumed(db):
    job = submit(db)
    end(db, job, "interrupted")
    with (
        folder.hold(queue.folder_of(job.id)),
        pytest.raises(JobError, match="still runs"),
    ):
        queue.resume(db, job.id, by="Ada", supervise=False)


def test_a_job_without_its_folder_cannot_be_resumed(db):
    job = submit(db)
    end(db, job, "failed")
    queue.folder_of(job.id).rename(queue.folder_of("elsewhere"))
    with pytest.raises(JobError, match="folder of 'judge job' is gone"):
        queue.resume(db, job.id, by="Ada", supervise=False)


def test_a_held_job_is_released_and_no_other(db):
    job = submit(db)
    with pytest.raises(JobError, match="is not held"):
        queue.release(db, job.id, by="Ada", supervise=False)
    work.say(db, job.id, "held: review first")
    assert work.get(db, job.id).held
    with pytest.raises(JobError, match="only what did not finish"):
        queue.resume(db, job.id, by="Ada", supervise=False)
    released = queue.release(db, job.id, by="Ada", supervise=False)
    assert (released.state, released.attempt, released.held) == ("queued", 2, False)


def test_running_jobs_wait_while_somebody_has_the_device(db):
    one, two = submit(db), submit(db)
    end(db, one, "running")
    with queue.paused(db):
        assert folder.is_paused(queue.folder_of(one.id))
        assert not folder.is_paused(queue.folder_of(two.id))
    assert not folder.is_paused(queue.folder_of(one.id))


def test_waiting_ends_when_the_job_does_or_is_held_or_time_is_up(db):
    job = submit(db)
    ticks = iter(range(100))
    with pytest.raises(JobError, match="still queued after 5 s"):
        queue.wait(db, job.id, seconds=5, sleep=lambda s: None, clock=lambda: next(ticks))
    work.say(db, job.id, "held: review first")
    assert queue.wait(db, job.id).held
    queue.cancel(db, job.id, by="Ada", supervise=False)
    assert queue.wait(db, job.id).state == "cancelled"


def test_no_supervisor_runs_in_a_fresh_workspace(db):
    assert queue.supervisor_pid() is None


def test_a_jobs_environment_sends_no_telemetry_and_finds_the_project(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/mine")
    environment = queue.job_environment()
    assert environment["PYTHONPATH"] == f"{PROJECT_DIR}{os.pathsep}/mine"
    assert environment["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert environment["TOKENIZERS_PARALLELISM"] == "false"
    assert "HF_HUB_OFFLINE" not in environment.keys() - os.environ.keys()


def test_a_released_job_gets_what_people_said_about_its_pairs_as_it_has_them(db):
    job = submit(db, "chain")
    mine = [pair("one"), pair("two"), pair("three")]
    pairs.add(db, [replace(mine[0], id="first-seen").swapped()])  # here it is the other way round
    out = queue.out_of(job)
    out.mkdir()
    rows = [json.dumps(judgement(each).to_row()) + "\n" for each in mine]
    (out / "labels.jsonl").write_text("".join(rows))
    ingest.read_job(db, job, queue.folder_of(job.id))
    for person, verdict, of in (
        ("Ada", "a", mine[0]),
        ("Grace", "b", mine[0]),
        ("Ada", "tie", mine[1]),
        ("Ada", "b", pair("of another job")),
    ):
        labels.add(db, labels.verdict_label(of, verdict, review=review(person)))
    labels.undo(db, labels.add(db, labels.verdict_label(mine[2], "a", review=review())), who="Ada")
    work.say(db, job.id, "held: review first")
    queue.release(db, job.id, by="Ada", supervise=False)
    found = formats.read_labels(queue.folder_of(job.id) / "verdicts.jsonl").rows
    assert [(v.annotator, v.verdict, v.p_a, v.kind) for v in found] == [
        ("Ada", "a", 1.0, "person"),
        ("Grace", "b", 0.0, "person"),
        ("Ada", "tie", 0.5, "person"),
    ]
    assert [v.pair for v in found] == [mine[0], mine[0], mine[1]]


def test_a_job_that_judged_nothing_gets_no_verdicts(db):
    job = submit(db, "sft")
    work.say(db, job.id, "held: review first")
    queue.release(db, job.id, by="Ada", supervise=False)
    assert not (queue.folder_of(job.id) / "verdicts.jsonl").exists()


def test_a_job_that_succeeded_with_failed_rows_asks_them_again(db):
    job = submit(db)
    end(db, job, "succeeded")
    work.note(db, job.id, result={"failed": 2, "failed_by_reason": {"busy": 2}})
    assert work.get(db, job.id).failures == {"busy": 2}
    again = queue.resume(db, job.id, by="Ada", supervise=False)
    assert (again.state, again.attempt) == ("queued", 2)


@pytest.mark.parametrize("result", [{}, {"failed": 0, "failed_by_reason": {}}])
def test_a_job_that_succeeded_whole_is_not_run_again(db, result):
    job = submit(db)
    end(db, job, "succeeded")
    work.note(db, job.id, result=result)
    with pytest.raises(JobError, match="only what did not finish, or has rows that failed"):
        queue.resume(db, job.id, by="Ada", supervise=False)
