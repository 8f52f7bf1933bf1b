"""Results of a suite come into the database while its job runs, once, whatever happens in between."""

import json

import pytest

from cai_core.errors import StoreError
from cai_core.jobs import commands, ingest, queue
from cai_core.schema import CaseResult, ConstitutionRef
from cai_core.store import suites, work
from tests.evaluate.cases import pair_case, prompt_case

REF = ConstitutionRef("short", "abc")
CASES = (pair_case(1, 3, "b must win", id="a"), prompt_case("Tea?", "must refuse", id="b"))


def line(place, outcome="passed"):
    return json.dumps(CaseResult(CASES[place], outcome, "seen", REF).to_row()) + "\n"


@pytest.fixture
def job(db):
    ref = ConstitutionRef("short", "abc", 4)
    submission = queue.Submission("suite", "suite of short", constitution=ref)
    return queue.submit(db, submission, by="Ada", supervise=False)


@pytest.fixture
def rows_file(job):
    return queue.folder_of(job.id) / commands.command("suite").rows_file


def read(db, job):
    new = ingest.read_job(db, work.get(db, job.id), queue.folder_of(job.id))
    return new, [(ran.outcome, ran.job) for ran in suites.ran(db, "short")]


def test_results_come_in_from_the_part_and_from_the_whole_file_once(db, job, rows_file):
    part = rows_file.with_name(rows_file.name + ".part")
    part.write_text(line(0) + line(1, "failed")[:30])
    assert read(db, job) == (True, [("passed", job.id)])
    with part.open("a") as file:
        file.write(line(1, "failed")[30:])
    assert read(db, job)[1] == [("passed", job.id), ("failed", job.id)]
    rows_file.write_text(line(1, "failed") + line(0))
    part.unlink()
    assert len(read(db, job)[1]) == 2
    assert read(db, job)[0] is False
    assert db["suite_results"].count == 2


def test_a_kill_between_rows_and_place_loses_and_doubles_nothing(db, job, rows_file, monkeypatch):
    def full(*args, **more):
        raise StoreError("the disk is full")

    rows_file.write_text(line(0) + line(1))
    with monkeypatch.context() as broken:
        broken.setattr(work, "note", full)
        with pytest.raises(StoreError):
            read(db, job)
    assert db["suite_results"].count == 0
    read(db, job)
    work.note(db, job.id, offsets={})  # as if the place had been lost
    read(db, job)
    assert db["suite_results"].count == 2


def test_a_case_that_was_asked_again_counts_by_its_newest_result(db, job, rows_file):
    rows_file.write_text(line(0, "error"))
    read(db, job)
    rows_file.write_text(line(0))
    assert read(db, job)[1] == [("passed", job.id)]


def test_a_result_has_the_version_that_its_job_was_submitted_under(db, job, rows_file):
    rows_file.write_text(line(0))
    read(db, job)
    (ran,) = suites.ran(db, "short")
    assert suites.result(db, ran.id).constitution.version == 4


def test_a_row_that_cannot_be_read_is_told_and_the_others_come_in(db, job, rows_file):
    bad = json.dumps({"id": "x", "outcome": "maybe"}) + "\n"
    rows_file.write_text(bad + line(0))
    assert len(read(db, job)[1]) == 1
    assert "row not read" in (queue.folder_of(job.id) / "events.jsonl").read_text()
