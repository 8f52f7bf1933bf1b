"""What a job is on disk, and its lock."""

import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest

from cai_core.errors import JobError
from cai_core.jobs import folder, lock
from cai_core.schema import Progress
from cai_core.settings import PROJECT_DIR

HOLD = (
    "import sys, time; from pathlib import Path; from cai_core.jobs import lock\n"
    "with lock.hold(Path(sys.argv[1]), taken='taken'):\n    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


@pytest.fixture
def job(tmp_path):
    place = tmp_path / "job"
    folder.create(
        place, {"kind": "judge"}, {"input.jsonl": [{"id": "1", "x": "é"}], "c.yaml": "a: 1"}
    )
    return place


@pytest.fixture
def other(job):
    """Another process that holds the job's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(job / "lock")], cwd=PROJECT_DIR, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_new_folder_holds_config_and_inputs(job):
    assert folder.read_config(job) == {"kind": "judge"}
    assert json.loads((job / "input.jsonl").read_text(encoding="utf-8")) == {"id": "1", "x": "é"}
    assert (job / "c.yaml").read_text() == "a: 1"


@pytest.mark.parametrize("name", ["config.json", "lock", "stop", "../escape", "/etc/x", "a/b"])
def test_an_input_cannot_take_another_files_place(tmp_path, name):
    with pytest.raises(JobError, match="cannot be an input"):
        folder.create(tmp_path / "job", {}, {name: "x"})


def test_nobody_holds_a_fresh_job(job):
    assert folder.holder(job) is None


def test_the_holder_is_known_by_its_process(job, other):
    assert folder.holder(job) == other.pid
    assert folder.holder(job) == other.pid  # asking takes nothing


def test_a_lock_is_free_right_after_a_kill(job, other):
    other.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while folder.holder(job) is not None:
        assert time.monotonic() < deadline
    with folder.hold(job):
        pass


def test_a_job_runs_once(job, other):
    with pytest.raises(JobError, match="runs already"), folder.hold(job):
        pass


def test_this_process_knows_its_own_lock_and_keeps_it_while_asking(job):
    with folder.hold(job):
        assert folder.holder(job) == os.getpid()
        with pytest.raises(JobError, match="runs already"), folder.hold(job):
            pass
        probe = "import sys; from pathlib import Path; from cai_core.jobs import lock; print(lock.holder(Path(sys.argv[1])))"
        asked = subprocess.run(
            [sys.executable, "-c", probe, str(job / "lock")],
            cwd=PROJECT_DIR,
            capture_output=True,
            text=True,
        )
        assert asked.stdout.strip() == str(os.getpid())
    assert folder.holder(job) is None


def test_a_job_without_a_folder_is_said(tmp_path):
    with pytest.raises(JobError, match="no job folder"), folder.hold(tmp_path / "gone"):
        pass
    assert lock.holder(tmp_path / "gone" / "lock") is None


def test_beginning_takes_away_how_the_last_attempt_ended(job):
    folder.finish(job, "failed", "why")
    assert folder.read_end(job) == folder.End("failed", "why")
    with folder.hold(job):
        assert folder.read_end(job) is None


def test_how_it_ended_is_read_with_its_result(job):
    folder.finish(job, "succeeded", "", {"rows": 3})
    assert folder.read_end(job) == folder.End("succeeded", "", {"rows": 3})


def test_a_job_cannot_end_as_something_unknown(job):
    with pytest.raises(JobError, match="ends as one of succeeded, failed, cancelled, held"):
        folder.finish(job, "done")


def test_progress_is_the_last_one_told(job):
    assert folder.read_progress(job) is None
    for done in (1, 2):
        folder.write_progress(job, Progress(done, 9, tokens=5))
    assert folder.read_progress(job) == Progress(2, 9, tokens=5)


def test_numbers_are_one_line_a_step_and_nan_is_null(job):
    folder.append_metric(job, 1, {"loss": 2})
    folder.append_metric(job, 2, {"loss": math.nan, "kl": math.inf})
    lines = (job / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 1, "values": {"loss": 2.0}},
        {"step": 2, "values": {"loss": None, "kl": None}},
    ]


def test_a_line_after_a_torn_one_stands_by_itself(job):
    (job / "metrics.jsonl").write_text('{"step": 1, "va')
    folder.append_metric(job, 2, {"loss": 1})
    assert json.loads((job / "metrics.jsonl").read_text().splitlines()[1])["step"] == 2


def test_a_stop_file_or_a_signal_stops(job):
    assert not folder.should_stop(job)
    assert folder.should_stop(job, lambda: True)
    folder.stop(job)
    assert folder.should_stop(job)
    folder.reset(job)
    assert not folder.should_stop(job)


def test_a_paused_job_waits_until_it_may_go_on(job):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            folder.resume(job)

    folder.pause(job)
    assert not folder.should_stop(job, sleep=sleep)
    assert len(slept) == 3


def test_a_paused_job_can_be_stopped(job):
    folder.pause(job)
    assert folder.should_stop(job, sleep=lambda seconds: folder.stop(job))


def test_a_forgotten_pause_ends_after_ten_minutes(job):
    folder.pause(job)
    begun = (job / "pause").stat().st_mtime
    assert folder.is_paused(job, clock=lambda: begun + 599)
    assert not folder.is_paused(job, clock=lambda: begun + 600)


def test_the_end_of_a_log_is_read_without_its_beginning(job):
    assert folder.log_tail(job) == ""
    (job / "log.txt").write_bytes(b"x" * 2**20 + b"\n\xff bad\nlast\n")
    assert folder.log_tail(job, lines=2) == "\ufffd bad\nlast"
