"""The frame of a stage: progress, stopping, errors, exit codes, jobs."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cai_core.cli.progress_line import ProgressLine, duration_text, progress_text
from cai_core.cli.running import sentence_of, stage_options
from cai_core.errors import CaiError, ModelError, Stopped
from cai_core.jobs import folder
from cai_core.schema import Progress
from cai_core.settings import PROJECT_DIR


def command(body):
    """A stage command around `body(running)`."""

    @click.command()
    @stage_options
    def stage(running):
        return body(running)

    return stage


def run(body, *arguments):
    return CliRunner().invoke(command(body), list(arguments))


def fail(error):
    def body(running):
        raise error

    return body


@pytest.fixture
def job(tmp_path):
    path = tmp_path / "job"
    folder.create(path, {}, {})
    return path


def test_the_common_options_reach_the_stage():
    seen = []
    result = run(seen.append, "--seed", "7", "--cache", "none", "--skip-bad")
    assert result.exit_code == 0
    assert (seen[0].seed, seen[0].cache, seen[0].skip_bad) == (7, None, True)


def test_the_cache_lies_beside_the_weights_unless_a_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_MODELS", str(tmp_path))
    paths = []
    run(lambda running: paths.append(running.cache.path))
    run(lambda running: paths.append(running.cache.path), "--cache", str(tmp_path / "c.db"))
    assert paths == [tmp_path / "cache.db", tmp_path / "c.db"]


def test_json_prints_the_result_and_nothing_else_on_stdout():
    def body(running):
        running.say("for people")
        running.hooks.progress(Progress(1, 2))
        return {"rows": 3}

    result = run(body, "--json")
    assert json.loads(result.stdout) == {"rows": 3}
    assert run(body).stdout == "for people\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ModelError("no such model"), 1, "error: no such model\n"),
        (Stopped("x"), 1, "stopped; the same command continues\n"),
        (KeyboardInterrupt(), 1, "stopped; the same command continues\n"),
        (click.UsageError("wrong way"), 2, "Error: wrong way"),
        (OSError(errno.ENOSPC, "No space left", "/x/y"), 1, "error: the disk is full (/x/y)"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x"),
            1,
            "error: /x: Permission denied",
        ),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/x/y"), 1, "/x/y: Not a directory"),
    ],
)
def test_an_end_has_its_words_and_its_exit_code(error, code, said):
    result = run(fail(error))
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_a_bug_is_not_hidden():
    result = run(fail(ZeroDivisionError("b")))
    assert isinstance(result.exception, ZeroDivisionError)
    assert sentence_of(ZeroDivisionError()) is None
    assert sentence_of(FileNotFoundError(errno.ENOENT, "no", "x")) is None


@pytest.mark.parametrize(
    ("body", "state", "reason"),
    [
        (lambda running: {"rows": 1}, "succeeded", ""),
        (fail(CaiError("bad row")), "failed", "bad row"),
        (fail(Stopped("x")), "cancelled", "stopped"),
        (fail(ZeroDivisionError("b")), "failed", "ZeroDivisionError: b"),
        (fail(click.UsageError("wrong way")), "failed", "wrong way"),
        (lambda running: setattr(running, "held", "read the labels"), "held", "read the labels"),
    ],
)
def test_a_job_writes_down_how_it_ended(job, body, state, reason):
    result = run(body, "--job", str(job))
    end = folder.read_end(job)
    assert (end.state, end.reason) == (state, reason)
    assert end.result == ({"rows": 1} if state == "succeeded" else {})
    assert (result.exit_code == 0) == (state == "succeeded")
    assert folder.holder(job) is None


def test_a_job_holds_its_lock_and_tells_its_folder(job):
    def body(running):
        assert folder.holder(job) == os.getpid()
        running.hooks.progress(Progress(3, 9, tokens=5))
        running.hooks.metric(1, {"loss": 0.5})

    result = run(body, "--job", str(job))
    assert result.exit_code == 0
    assert folder.read_progress(job) == Progress(3, 9, tokens=5)
    assert json.loads((job / "metrics.jsonl").read_text()) == {"step": 1, "values": {"loss": 0.5}}
    assert result.stderr == ""


def test_a_job_that_runs_already_is_refused_and_its_end_is_left_alone(job):
    with folder.hold(job):
        result = run(lambda running: {}, "--job", str(job))
    assert result.exit_code == 1
    assert folder.read_end(job) is None


def test_a_stop_file_is_seen_between_batches(job):
    folder.stop(job)

    def body(running):
        if running.hooks.should_stop():
            raise Stopped("as asked")

    assert run(body, "--job", str(job)).exit_code == 1
    assert folder.read_end(job).state == "cancelled"


def test_rows_of_an_earlier_run_count_as_done(tmp_path, job):
    def body(running):
        with running.output(tmp_path / "o", settings={}, inputs={}) as output:
            ids = [i for i in "abcd" if i not in output.done]
            for n, key in enumerate(ids[:2], start=1):
                output.write({"id": key})
                running.hooks.progress(Progress(n, len(ids)))
            if len(ids) > 2:
                raise Stopped("x")

    run(body)
    run(body, "--job", str(job))
    assert folder.read_progress(job) == Progress(4, 4)


SLOW = """
import sys, time, click
from cai_core.cli.running import stage_options
from cai_core.errors import Stopped
@click.command()
@stage_options
def stage(running):
    print("ready", flush=True)
    for _ in range(600):
        time.sleep(0.05)
        if running.hooks.should_stop():
            raise Stopped("x")
stage()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_stage_between_batches(job, number):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "--job", str(job)],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said == "stopping after this batch\nstopped; the same command continues\n"
    assert folder.read_end(job).state == "cancelled"


def test_a_killed_job_leaves_no_end_and_a_free_lock(job):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "--job", str(job)],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    assert folder.holder(job) == process.pid
    process.kill()
    process.communicate(timeout=20)
    assert folder.read_end(job) is None
    assert folder.holder(job) is None


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_a_plain_line_at_most_every_two_seconds():
    times = iter([0.0, 1.0, 1.9, 2.0, 3.0, 3.5])
    stream = io.StringIO()
    line = ProgressLine(stream, clock=lambda: next(times))
    for done in range(1, 6):
        line.show(Progress(done, 9))
    line.close()
    assert [text.split(" ·")[0] for text in stream.getvalue().splitlines()] == [
        "1 of 9",
        "4 of 9",
        "5 of 9",
    ]


def test_progress_on_a_terminal_rewrites_its_line():
    stream = Terminal()
    line = ProgressLine(stream, clock=time.monotonic)
    line.show(Progress(1, 2))
    line.close()
    line.close()
    assert stream.getvalue() == "\r\x1b[K1 of 2\n"


def test_progress_tells_rate_and_time_left():
    assert progress_text(Progress(30, 90), 20, 40.0) == "30 of 90 · 0.5/s · 2 min left"
    assert progress_text(Progress(1, 90), 1, 600.0).startswith("1 of 90 · 0.1/min · 14 h")
    said = progress_text(Progress(5, 0, cached=2, asked=10), 0, 1.0)
    assert said == "5 · cached 2 of 10 questions"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (99, "99 s"), (6000, "1 h 40 min")])
def test_durations_are_read_easily(seconds, text):
    assert duration_text(seconds) == text


def test_the_folder_of_a_job_must_be_there():
    assert run(lambda running: {}, "--job", str(Path("/nowhere"))).exit_code == 2
