"""Reading what a job has written: whole lines, once, whatever happens in between."""

import json
import os
from dataclasses import replace

import pytest

from cai_core.errors import StoreError
from cai_core.jobs import folder, ingest, queue
from cai_core.schema import ConstitutionRef, Progress
from cai_core.store import labels, pairs, prompts, revisions, work
from tests.jobs.conftest import submit
from tests.jobs.tiny import label
from tests.store.rows import revision


def read(db, job):
    new = ingest.read_job(db, work.get(db, job.id), queue.folder_of(job.id))
    return new, labels.count(db)


def line(n):
    return json.dumps(label(n).to_row()) + "\n"


@pytest.fixture
def job(db):
    return submit(db)


@pytest.fixture
def part(job):
    return queue.folder_of(job.id) / "output.jsonl.part"


def test_finished_rows_come_in_while_the_job_runs(db, job, part):
    assert read(db, job) == (True, 0)
    part.write_text(line(0) + line(1))
    assert read(db, job) == (True, 2)
    with part.open("a") as file:
        file.write(line(2))
    assert read(db, job) == (True, 3)
    assert {event.job for event in labels.standing(db)} == {job.id}
    assert pairs.find(db)[0].source == "judge job"


def test_reading_again_changes_nothing(db, job, part):
    part.write_text(line(0) + line(1))
    read(db, job)
    before = work.get(db, job.id)
    assert read(db, job) == (False, 2)
    assert work.get(db, job.id) == before
    work.note(db, job.id, offsets={})  # as if the place had been lost
    assert read(db, job) == (True, 2)
    assert db["labels"].count == 2


def test_a_row_has_the_version_that_its_job_was_submitted_under(db):
    ref = replace(label(0).constitution, version=2)  # the file that the command read has no number
    submission = queue.Submission("judge", "judge job", constitution=ref)
    job = queue.submit(db, submission, by="Ada", supervise=False)
    other = replace(label(1), constitution=ConstitutionRef("other", "def"))
    rows = line(0) + json.dumps(other.to_row()) + "\n"
    (queue.folder_of(job.id) / "output.jsonl").write_text(rows)
    read(db, job)
    found = [event.label.constitution for event in labels.judgements(db)]
    assert found == [ref, other.constitution]


def test_a_torn_last_line_waits_until_it_is_whole(db, job, part):
    whole = line(1)
    part.write_text(line(0) + whole[:40])
    assert read(db, job)[1] == 1
    assert read(db, job)[1] == 1
    with part.open("a") as file:
        file.write(whole[40:])
    assert read(db, job)[1] == 2


def test_a_torn_line_that_is_cut_off_and_written_anew_comes_in_once(db, job, part):
    part.write_text(line(0) + line(1)[:40])
    read(db, job)
    os.truncate(part, len(line(0)))
    with part.open("a") as file:
        file.write(line(1) + line(2))
    assert read(db, job)[1] == 3
    assert db["labels"].count == 3


def test_the_final_file_in_another_order_doubles_nothing(db, job, part):
    part.write_text(line(1) + line(0))
    read(db, job)
    out = part.with_suffix("")
    out.write_text(line(0) + line(1) + line(2))
    part.unlink()
    assert read(db, job)[1] == 3
    assert db["labels"].count == 3


def test_a_shorter_file_is_read_from_its_beginning(db, job, part):
    part.write_text(line(0) + line(1) + line(2))
    read(db, job)
    part.write_text(line(3))
    assert read(db, job)[1] == 4


def test_a_longer_file_in_the_place_of_the_old_one_is_read_from_its_beginning(db, job, part):
    part.write_text(line(0) + line(1))
    read(db, job)
    new = part.with_name("new")
    new.write_text("".join(line(n) for n in range(5, 10)))
    new.replace(part)
    assert read(db, job)[1] == 7


def test_a_row_that_failed_and_was_asked_again_stands_once(db, job, part):
    failed = label(0).to_row() | {"verdict": None, "p_a": None, "error": "timed out"}
    part.write_text(json.dumps(failed) + "\n")
    read(db, job)
    assert labels.judgements(db)[0].label.error == "timed out"
    with part.open("a") as file:
        file.write(line(0))
    read(db, job)
    assert [event.label.verdict for event in labels.judgements(db)] == ["a"]


def test_an_unreadable_row_is_told_and_the_others_come_in(db, job, part):
    bad = json.dumps({"id": "7", "prompt": "", "verdict": "a"})
    part.write_text(f"{line(0)}{bad}\nno json\n[1]\n{line(1)}")
    assert read(db, job)[1] == 2
    events = (queue.folder_of(job.id) / "events.jsonl").read_text()
    assert json.loads(events)["row"] == "7"
    assert "'prompt' is empty" in events


def test_a_row_longer_than_a_chunk_comes_in_whole(db, job, part, monkeypatch):
    monkeypatch.setattr(ingest, "CHUNK_BYTES", 100)
    part.write_text("".join(line(n) for n in range(5)))
    while read(db, job)[0]:
        pass
    assert labels.count(db) == 5


def test_rows_and_place_are_kept_together_or_not_at_all(db, job, part, monkeypatch):
    def full(*args, **more):
        raise StoreError("the disk is full")

    part.write_text(line(0))
    with monkeypatch.context() as broken:
        broken.setattr(work, "note", full)
        with pytest.raises(StoreError):
            read(db, job)
    assert db["labels"].count == 0
    assert read(db, job)[1] == 1


def test_a_row_is_not_given_up_because_the_database_failed(db, job, part, monkeypatch):
    def full(*args, **more):
        raise StoreError("the disk is full")

    part.write_text(line(0))
    with monkeypatch.context() as broken:
        broken.setattr(labels, "add", full)
        with pytest.raises(StoreError):
            read(db, job)
    assert read(db, job)[1] == 1
    assert not (queue.folder_of(job.id) / "events.jsonl").exists()


def test_numbers_that_are_none_are_left_out(db, job):
    path = queue.folder_of(job.id) / "metrics.jsonl"
    path.write_text('{"step": 1, "values": {"loss": 1, "bad": [2], "kl": null}}\n{"step": "x"}\n')
    read(db, job)
    assert sorted(work.metrics(db, job.id)) == ["kl", "loss"]


def test_line_ends_inside_a_text_do_not_split_a_row(db, job, part):
    row = label(0).to_row() | {"rationale": "a\u2028b\u0085c\x1cd"}
    part.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read(db, job)[1] == 1
    assert labels.standing(db)[0].label.rationale == "a\u2028b\u0085c\x1cd"


def test_revisions_and_pairs_come_into_their_own_tables(db):
    revise, sample = submit(db, "revise"), submit(db, "sample-pairs")
    for job, row in ((revise, revision().to_row()), (sample, label(0).pair.to_row())):
        (queue.folder_of(job.id) / "output.jsonl").write_text(json.dumps(row) + "\n")
        read(db, job)
    assert revisions.find(db)[0].job == revise.id
    assert [p.job for p in pairs.find(db)] == [sample.id]


def test_a_pair_that_could_not_be_sampled_is_no_pair(db):
    sample = submit(db, "sample-pairs")
    row = {"id": "1", "prompt": "Hi", "error": "timed out"}
    (queue.folder_of(sample.id) / "output.jsonl").write_text(json.dumps(row) + "\n")
    read(db, sample)
    assert pairs.count(db) == 0
    assert not (queue.folder_of(sample.id) / "events.jsonl").exists()


def test_a_training_has_numbers_and_no_rows(db):
    job = submit(db, "sft")
    place = queue.folder_of(job.id)
    (place / "out").mkdir()
    folder.append_metric(place, 1, {"loss": 2.0})
    folder.write_progress(place, Progress(1, 10))
    assert read(db, job)[0]
    assert work.metrics(db, job.id) == {"loss": [(1, 2.0)]}
    assert work.get(db, job.id).progress == Progress(1, 10)
    assert not read(db, job)[0]


def test_a_chains_judgements_are_read_while_it_goes_on(db):
    job = submit(db, "chain")
    out = queue.out_of(job)
    out.mkdir()
    row = {"prompt": "Hi", "response_a": "one", "response_b": "two", "verdict": "a", "p_a": 0.9}
    (out / "labels.jsonl.part").write_text(json.dumps(row | {"judge": "m"}) + "\n")
    read(db, job)
    assert [found.job for found in labels.judgements(db)] == [job.id]
    (out / "labels.jsonl.part").rename(out / "labels.jsonl")
    read(db, job)
    assert len(labels.judgements(db)) == 1


def test_generated_prompts_come_into_the_set_that_the_job_names(db):
    submission = queue.Submission("prompts", "edge cases", config={"set": "edges"})
    job = queue.submit(db, submission, by="Ada", supervise=False)
    made = {"slot": "ambiguous-001", "prompt": "Can I?", "source": "generated", "split": "dev"}
    made |= {"kind": "ambiguous", "principles": ["safe"], "tags": ["ambiguous", "safe"]}
    failed = {"slot": "ambiguous-002", "kind": "ambiguous", "error": "nothing usable"}
    part = queue.folder_of(job.id) / "output.jsonl.part"
    part.write_text(f"{json.dumps(made)}\n{json.dumps(failed)}\n")
    for _ in range(2):
        read(db, job)
        work.note(db, job.id, offsets={})  # as if the place had been lost
    (prompt,) = prompts.of_set(db, "edges")
    assert (prompt.source, prompt.split, prompt.tags) == ("generated", "dev", ("ambiguous", "safe"))
    assert (prompt.extra["slot"], prompt.extra["job"]) == ("ambiguous-001", job.id)
    assert not (queue.folder_of(job.id) / "events.jsonl").exists()
