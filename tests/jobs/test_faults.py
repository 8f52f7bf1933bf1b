"""Real processes that are killed, stopped, left alone and doubled: nothing is lost or done twice."""

import os
import signal
import subprocess
import sys
import time

from cai_core.jobs import folder, queue
from cai_core.jobs.supervisor import Supervisor
from cai_core.settings import PROJECT_DIR
from cai_core.store import database, labels, work
from tests.jobs.conftest import TINY, submit, until, until_state


def rows(db):
    return sorted(event.label.seed for event in labels.standing(db))


def pid_of(job):
    return folder.holder(queue.folder_of(job.id))


def test_a_job_runs_to_its_end(db, supervisor):
    job = until_state(supervisor, submit(db, rows=4), "succeeded")
    assert rows(db) == [0, 1, 2, 3]
    assert (job.progress.done, job.progress.total, job.result) == (4, 4, {"made": 4})
    assert work.metrics(db, job.id)["loss"] == [(n, float(n)) for n in range(4)]
    assert queue.log_tail(job.id) == "tiny job judge"


def test_a_killed_job_goes_on_and_nothing_is_lost_or_doubled(db, supervisor):
    job = submit(db, rows=60, each=0.05)
    until(supervisor, lambda: len(rows(db)) >= 3)
    os.kill(pid_of(job), signal.SIGKILL)
    job = until_state(supervisor, job, "interrupted")
    assert "SIGKILL" in job.reason
    kept = len(rows(db))
    assert 3 <= kept < 60
    queue.resume(db, job.id, by="Ada", supervise=False)
    job = until_state(supervisor, job, "succeeded")
    assert job.attempt == 2
    assert job.result["made"] <= 60 - kept
    assert rows(db) == list(range(60))
    assert db["labels"].count == 60
    assert [step for step, _ in work.metrics(db, job.id)["loss"]] == list(range(60))


def test_a_job_survives_its_supervisor_and_the_next_one_reads_on(db, supervisor):
    job = submit(db, rows=60, each=0.05)
    until(supervisor, lambda: len(rows(db)) >= 2)
    pid = pid_of(job)
    second = Supervisor(db, program=TINY)  # knows no children, only locks
    until(second, lambda: len(rows(db)) >= 6)
    assert pid_of(job) == pid
    until_state(second, job, "succeeded")
    assert rows(db) == list(range(60))
    assert db["labels"].count == 60


def test_a_job_that_ended_while_nobody_watched_is_read_by_the_next_supervisor(db, supervisor):
    job = submit(db, rows=5)
    supervisor.tick()
    place = queue.folder_of(job.id)
    deadline = time.monotonic() + 30
    while folder.read_end(place) is None or pid_of(job) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert work.get(db, job.id).state == "starting"
    Supervisor(db, program=TINY).tick()
    assert work.get(db, job.id).state == "succeeded"
    assert rows(db) == list(range(5))


def test_an_adopted_job_that_is_killed_is_interrupted(db, supervisor):
    job = submit(db, rows=400, each=0.05)
    until_state(supervisor, job, "running")
    os.kill(pid_of(job), signal.SIGKILL)
    job = until_state(Supervisor(db, program=TINY), job, "interrupted")
    assert "resume it to go on" in job.reason


def test_a_cancelled_job_stops_and_keeps_what_it_made(db, supervisor):
    job = submit(db, rows=400, each=0.05)
    until(supervisor, lambda: len(rows(db)) >= 2)
    queue.cancel(db, job.id, by="Ada", supervise=False)
    job = until_state(supervisor, job, "cancelled")
    assert job.reason == "cancelled by Ada"
    assert 2 <= len(rows(db)) < 400
    assert pid_of(job) is None


def test_a_cancelled_job_goes_on_where_it_was(db, supervisor):
    job = submit(db, rows=60, each=0.05)
    until(supervisor, lambda: len(rows(db)) >= 2)
    queue.cancel(db, job.id, by="Ada", supervise=False)
    until_state(supervisor, job, "cancelled")
    queue.resume(db, job.id, by="Ada", supervise=False)
    job = until_state(supervisor, job, "succeeded")
    assert job.result["made"] < 60
    assert rows(db) == list(range(60))


def test_a_job_that_does_not_listen_is_killed_by_force(db):
    ahead = [0.0]
    supervisor = Supervisor(db, program=TINY, clock=lambda: time.time() + ahead[0])
    job = submit(db, rows=500, each=0.05, deaf=True)
    until_state(supervisor, job, "running")
    queue.cancel(db, job.id, by="Ada", supervise=False)
    supervisor.tick()
    time.sleep(0.3)
    assert pid_of(job) is not None
    ahead[0] = 31.0
    job = until_state(supervisor, job, "cancelled")
    assert job.reason == "cancelled by Ada"
    assert pid_of(job) is None


def test_a_job_runs_in_a_session_of_its_own(db, supervisor):
    job = submit(db, rows=400, each=0.05)
    until_state(supervisor, job, "running")
    assert os.getsid(pid_of(job)) == pid_of(job) != os.getsid(0)


def written(job):
    part = queue.folder_of(job.id) / "output.jsonl.part"
    return part.read_bytes().count(b"\n")


def until_still(job):
    """How many rows stand there once none came for half a second: ten times what one takes."""
    count = -1
    while count != (count := written(job)):
        time.sleep(0.5)
    return count


def test_a_paused_job_waits_and_goes_on(db, supervisor):
    job = submit(db, rows=400, each=0.05)
    until(supervisor, lambda: len(rows(db)) >= 2)
    with queue.paused(db):
        paused = until_still(job)
        assert pid_of(job) is not None
        assert written(job) == paused < 400
    until(supervisor, lambda: len(rows(db)) > paused)


def test_a_job_that_fails_says_why(db, supervisor):
    job = until_state(supervisor, submit(db, fail="the judge is asleep"), "failed")
    assert job.reason == "the judge is asleep"


def test_a_command_that_was_called_wrongly_says_why(db, supervisor):
    job = until_state(supervisor, submit(db, exit=2), "failed")
    assert job.reason == "it did not start: error: called wrongly"


def test_a_chain_waits_for_a_person_and_goes_on_when_released(db, supervisor):
    job = until_state(supervisor, submit(db, hold=True), "queued")
    job = until_held(supervisor, job)
    assert job.reason == "held: review thirty labels first"
    for _ in range(5):
        supervisor.tick()
    assert work.get(db, job.id).held
    queue.release(db, job.id, by="Ada", supervise=False)
    job = until_state(supervisor, job, "succeeded")
    assert job.attempt == 2


def until_held(supervisor, job):
    until(supervisor, lambda: work.get(supervisor.db, job.id).held)
    return work.get(supervisor.db, job.id)


def supervise(*options):
    command = [sys.executable, "-m", "cai_core", "jobs", "supervise", *options]
    return subprocess.Popen(
        command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def until_supervised():
    deadline = time.monotonic() + 30
    while queue.supervisor_pid() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_second_supervisor_leaves_with_a_sentence(db):
    first = supervise()
    try:
        until_supervised()
        second = supervise()
        said, _ = second.communicate(timeout=60)
        assert second.returncode == 1
        assert said.startswith("error: a supervisor runs for ")
        assert said.count("\n") == 1
        assert queue.supervisor_pid() == first.pid
    finally:
        first.terminate()
        said, _ = first.communicate(timeout=60)
    assert first.returncode == 0
    assert said.endswith("the supervisor ended: it was told to; jobs run on\n")


def test_a_killed_supervisor_is_replaced(db):
    first = supervise()
    until_supervised()
    first.kill()
    first.communicate()
    assert queue.supervisor_pid() is None
    second = supervise("--idle", "0.5")
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 0
    assert "nothing to do" in said


def test_submitting_starts_a_supervisor_that_outlives_the_one_who_asked(db, home):
    code = (
        "from cai_core.jobs import queue; from cai_core.store import database\n"
        "db = database.connect()\n"
        "job = queue.Submission('judge', 'Judge', options={'pairs': 'missing.jsonl'})\n"
        "print(queue.submit(db, job, by='Ada').id)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, timeout=60
    )
    job = work.get(db, done.stdout.strip())
    until_supervised()
    pid = queue.supervisor_pid()
    try:
        assert os.getsid(pid) == pid
        job = queue.wait(db, job.id, seconds=60)
        assert job.state == "failed"  # there is no such file, or no such command yet
        assert job.reason
    finally:
        os.kill(pid, signal.SIGTERM)


def test_a_supervisor_ends_with_its_workspace(db, home):
    watch = supervise()
    until_supervised()
    for path in home.glob("ratify.db*"):
        path.unlink()
    said, _ = watch.communicate(timeout=60)
    assert said.endswith("its workspace is gone\n")
    database.connect().close()  # for the fixture
