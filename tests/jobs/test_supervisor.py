"""The supervisor starts, watches, reads and ends jobs; a fake process and clock where that is enough."""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime

import pytest

from cai_core.errors import JobError, StoreError
from cai_core.jobs import folder, lock, queue
from cai_core.jobs import supervisor as supervisor_module
from cai_core.jobs.supervisor import GRACE_SECONDS, START_SECONDS, Supervisor
from cai_core.schema import Progress
from cai_core.settings import PROJECT_DIR, Settings
from cai_core.settings import home as workspace
from cai_core.store import database, labels, work
from tests.jobs.conftest import submit, until_state
from tests.jobs.tiny import label


class Child:
    """A process that does nothing until the test says how it ended."""

    pid = 2**22 + 1  # beyond what Linux gives out: signals go nowhere

    def __init__(self):
        self.exit_code = None

    def poll(self):
        return self.exit_code


class Fake:
    """A supervisor with processes and a clock that the test moves."""

    def __init__(self, db):
        self.children, self.argvs, self.now = [], [], datetime.now().timestamp()
        self.watch = Supervisor(db, program=["p"], start=self.start, clock=lambda: self.now)

    def start(self, argv, place):
        self.argvs.append(list(argv))
        self.children.append(Child())
        return self.children[-1]

    def tick(self, *, later=0.0):
        self.now += later
        return self.watch.tick()


@pytest.fixture
def fake(db):
    return Fake(db)


def state(db, job):
    found = work.get(db, job.id)
    return found.state, found.reason


def test_a_queued_job_is_started_in_its_folder(db, fake):
    job = submit(db, rows=3)
    assert fake.tick()
    place = str(queue.folder_of(job.id))
    assert fake.argvs == [["p", "judge", "--rows", "3", "--out", "output.jsonl", "--job", place]]
    assert state(db, job) == ("starting", "")


def test_jobs_start_in_order_and_no_more_than_there_are_slots(db, fake):
    jobs = [submit(db) for _ in range(3)]
    fake.tick()
    assert [state(db, job) for job in jobs] == [
        ("starting", ""),
        ("queued", "waiting for a free slot"),
        ("queued", "waiting for a free slot"),
    ]
    Settings(slots=2).save()
    fake.tick()
    assert [work.get(db, job.id).state for job in jobs] == ["starting", "starting", "queued"]


def test_a_job_waits_for_its_parent(db, fake):
    Settings(slots=4).save()
    parent = submit(db)
    child = submit(db, parent=parent.id)
    fake.tick()
    assert state(db, child) == ("queued", "waiting for 'judge job'")
    work.move(db, parent.id, "failed")
    fake.tick()
    assert state(db, child)[1] == (
        "waiting for 'judge job', which is failed; resume that or cancel this"
    )
    queue.resume(db, parent.id, by="Ada", supervise=False)
    fake.tick()
    work.move(db, parent.id, "succeeded")
    fake.tick()
    assert state(db, child) == ("starting", "")


def test_a_waiting_or_held_job_takes_no_slot_from_others(db, fake):
    parent = submit(db)
    work.say(db, parent.id, "held: review first")
    submit(db, parent=parent.id)
    free = submit(db)
    fake.tick()
    assert work.get(db, free.id).state == "starting"
    assert state(db, parent) == ("queued", "held: review first")


def test_a_job_runs_from_when_it_holds_its_lock(db, fake):
    job = submit(db)
    fake.tick()
    with folder.hold(queue.folder_of(job.id)):
        fake.tick()
        assert work.get(db, job.id).state == "running"


def test_a_start_without_a_lock_is_interrupted_after_half_a_minute(db, fake):
    job = submit(db)
    fake.tick()
    fake.tick(later=START_SECONDS - 2)
    assert work.get(db, job.id).state == "starting"
    fake.tick(later=4)
    assert state(db, job) == (
        "interrupted",
        "it ended without a word; what it had finished is kept, resume it to go on",
    )


def test_a_start_that_failed_says_why(db, fake):
    job = submit(db)
    fake.tick()
    (queue.folder_of(job.id) / "log.txt").write_text("Usage: ...\nError: no such option --x\n")
    fake.children[0].exit_code = 2
    fake.tick()
    assert state(db, job) == ("failed", "it did not start: Error: no such option --x")


def test_a_program_that_is_not_there_is_said(db):
    job = submit(db)
    Supervisor(db, program=["/nowhere/python"]).tick()
    assert work.get(db, job.id).state == "failed"
    assert "could not be started" in work.get(db, job.id).reason


def test_a_running_job_without_lock_and_end_is_interrupted(db, fake):
    job = submit(db)
    fake.tick()
    with folder.hold(queue.folder_of(job.id)):
        fake.tick()
    fake.children[0].exit_code = -9
    fake.tick()
    assert state(db, job) == (
        "interrupted",
        "it was ended by SIGKILL; what it had finished is kept, resume it to go on",
    )


@pytest.mark.parametrize(
    ("end", "becomes", "reason"),
    [
        (("succeeded", ""), "succeeded", ""),
        (("failed", "the dataset is empty"), "failed", "the dataset is empty"),
        (("held", "review thirty labels"), "queued", "held: review thirty labels"),
        (
            ("cancelled", "stopped"),
            "interrupted",
            "it was stopped from outside; resume it to go on",
        ),
    ],
)
def test_a_job_ends_as_it_said(db, fake, end, becomes, reason):
    job = submit(db)
    fake.tick()
    place = queue.folder_of(job.id)
    with folder.hold(place):
        fake.tick()
        folder.finish(place, *end, {"n": 1})
        fake.tick()
        assert work.get(db, job.id).state == "running"  # it still holds its lock
    fake.tick()
    assert state(db, job) == (becomes, reason)
    assert work.get(db, job.id).result == {"n": 1}


def test_a_job_that_ended_between_two_ticks_is_read_to_its_end(db, fake):
    job = submit(db)
    fake.tick()
    place = queue.folder_of(job.id)
    with folder.hold(place):
        lines = "".join(f"{row}\n" for row in map(_json, range(4)))
        (place / "output.jsonl").write_text(lines)
        folder.write_progress(place, Progress(4, 4))
        folder.append_metric(place, 1, {"loss": 1.0})
        folder.finish(place, "succeeded")
    fake.tick()
    assert (state(db, job)[0], labels.count(db)) == ("succeeded", 4)
    assert work.get(db, job.id).progress == Progress(4, 4)
    assert work.metrics(db, job.id) == {"loss": [(1, 1.0)]}


def _json(n):
    return json.dumps(label(n).to_row())


def test_a_job_that_held_its_lock_after_all_runs_again(db, fake):
    job = submit(db)
    fake.tick()
    fake.tick(later=START_SECONDS + 1)
    assert work.get(db, job.id).state == "interrupted"
    with folder.hold(queue.folder_of(job.id)):
        fake.tick()
        assert work.get(db, job.id).state == "running"


def test_a_job_whose_folder_is_gone_has_failed(db, fake):
    job = submit(db)
    fake.tick()
    queue.folder_of(job.id).rename(queue.folder_of("elsewhere"))
    fake.tick()
    assert state(db, job)[0] == "failed"
    assert "its folder is gone" in state(db, job)[1]


def test_a_cancelled_job_is_terminated_once_and_killed_after_the_grace(db, fake, monkeypatch):
    sent = []
    monkeypatch.setattr(supervisor_module, "signal_group", lambda pid, n: sent.append((pid, n)))
    job = submit(db)
    fake.tick()
    with folder.hold(queue.folder_of(job.id)):
        fake.tick()
        queue.cancel(db, job.id, by="Ada", supervise=False)
        fake.tick()
        fake.tick(later=GRACE_SECONDS - 1)
        me = os.getpid()
        assert sent == [(me, signal.SIGTERM)]
        fake.tick(later=2)
        assert sent == [(me, signal.SIGTERM), (me, signal.SIGKILL)]
    fake.tick(later=START_SECONDS)
    assert state(db, job) == ("cancelled", "cancelled by Ada")


def test_a_job_cancelled_before_it_has_its_lock_is_stopped_too(db, fake, monkeypatch):
    sent = []
    monkeypatch.setattr(supervisor_module, "signal_group", lambda pid, n: sent.append((pid, n)))
    job = submit(db)
    fake.tick()
    queue.cancel(db, job.id, by="Ada", supervise=False)
    fake.tick()
    assert sent == [(Child.pid, signal.SIGTERM)]
    fake.children[0].exit_code = -15
    fake.tick()
    assert state(db, job) == ("cancelled", "cancelled by Ada")


@pytest.fixture
def interrupts():
    """A shell starts what runs behind it with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_supervisor_never_signals_its_own_group(interrupts):
    with pytest.raises(KeyboardInterrupt):
        supervisor_module.signal_group(
            os.getpid(), signal.SIGINT
        )  # itself alone, not pytest's group
    supervisor_module.signal_group(Child.pid, signal.SIGTERM)  # nobody: nothing happens


def test_children_that_have_ended_are_reaped(db, supervisor):
    job = submit(db, rows=1)
    until_state(supervisor, job, "succeeded")
    for _ in range(200):
        supervisor.tick()
        if not supervisor._leaving:
            break
    else:
        pytest.fail("a child was not reaped")


def test_an_idle_supervisor_ends_and_a_busy_one_does_not(db):
    now = iter(range(0, 10_000, 100))
    why = supervisor_module.supervise(idle=600, sleep=lambda s: None, clock=lambda: next(now))
    assert why == "there was nothing to do"
    assert queue.supervisor_pid() is None


def test_what_is_submitted_while_a_supervisor_ends_is_not_left_waiting(db, monkeypatch):
    """Who submits sees the lock held and starts none; so the one that ends looks once more."""
    watches = []

    def watch(supervisor, **more):
        watches.append(supervisor)
        if len(watches) == 1:
            submit(db)
        else:
            work.move(db, work.find(db)[0].id, "cancelled")
        return supervisor_module.IDLE

    monkeypatch.setattr(supervisor_module, "_watch", watch)
    supervisor_module.supervise(idle=600)
    assert len(watches) == 2


def test_one_jobs_fault_does_not_keep_the_others_waiting(db, fake, monkeypatch):
    Settings(slots=2).save()
    one, two = submit(db), submit(db)
    fake.tick()
    for job in (one, two):
        folder.finish(queue.folder_of(job.id), "succeeded")
    bad = queue.folder_of(two.id)  # the newer one is attended to first
    read = supervisor_module.ingest.read_job

    def faulty(db, job, place):
        if place == bad:
            raise OSError("the disk does not answer")
        return read(db, job, place)

    monkeypatch.setattr(supervisor_module.ingest, "read_job", faulty)
    with pytest.raises(OSError, match="does not answer"):
        fake.tick()
    assert work.get(db, one.id).state == "succeeded"
    assert work.get(db, two.id).state == "starting"


@pytest.mark.parametrize("name", ["end.json", "progress.json"])
@pytest.mark.parametrize("text", ["", "{", "[1]", '{"state": "odd", "done": 1}', "null"])
def test_files_that_make_no_sense_do_not_end_the_supervisor(db, fake, name, text):
    job = submit(db)
    fake.tick()
    with folder.hold(queue.folder_of(job.id)):
        (queue.folder_of(job.id) / name).write_text(text)
        assert fake.tick()
        assert work.get(db, job.id).state == "running"


def test_a_supervisor_ends_when_its_workspace_is_gone(db, home):
    def remove(seconds):
        (home / "ratify.db").rename(home / "moved.db")

    assert supervisor_module.supervise(sleep=remove) == "its workspace is gone"


def test_a_supervisor_ends_when_another_database_takes_the_place(db, home):
    def swap(seconds):
        (home / "ratify.db").rename(home / "moved.db")
        (home / "ratify.db").touch()

    assert supervisor_module.supervise(sleep=swap) == "its workspace is gone"


def test_a_supervisor_ends_when_asked(db):
    assert supervisor_module.supervise(asked=lambda: True) == "it was told to; jobs run on"


def test_two_supervisors_do_not_run_at_once(db, home):
    with (
        lock.hold(home / "supervisor.lock", taken="x"),
        pytest.raises(JobError, match=r"a supervisor runs for .* already; this one is not needed"),
    ):
        supervisor_module.supervise(idle=0)


def test_a_fault_that_passes_does_not_end_the_supervisor(db, monkeypatch, capsys):
    faults = iter([StoreError("the disk is full"), OSError("no space"), None])

    def tick(self):
        fault = next(faults)
        if fault:
            raise fault
        return False

    monkeypatch.setattr(Supervisor, "tick", tick)
    ticks = iter(range(100))
    supervisor_module.supervise(asked=lambda: next(ticks) == 3)
    said = capsys.readouterr().err
    assert "the disk is full" in said
    assert "no space" in said


def test_bad_settings_do_not_end_the_supervisor_or_running_jobs(db, fake, capsys):
    (workspace() / "settings.yaml").write_text("slots: many\n")
    submit(db)
    assert supervisor_module._tick(fake.watch)
    assert "'slots'" in capsys.readouterr().err


def test_the_supervisor_loads_no_model_library():
    code = (
        "import sys; from cai_core.jobs import supervisor\n"
        "heavy = {'torch', 'transformers', 'trl', 'datasets', 'openai', 'streamlit', 'peft'}\n"
        "print(*heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True)
    assert done.stdout.split() == []
    assert done.returncode == 0


def test_the_supervisor_sees_what_another_connection_submits(db, fake):
    other = database.connect()
    job = submit(other)
    other.close()
    fake.tick()
    assert work.get(db, job.id).state == "starting"
