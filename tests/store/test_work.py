"""Datasets, jobs and their numbers as rows; the cache."""

import math
from pathlib import Path
from typing import get_args

import pytest
from sqlite_utils.utils import sqlite3

from cai_core.errors import NotFoundError
from cai_core.schema import Progress
from cai_core.store import datasets, work
from cai_core.store.cache import SqliteCache

ROW = {
    "id": "j",
    "kind": "judge",
    "title": "Judge",
    "parent": None,
    "argv": ("judge", "--seed", "1"),
    "config": {"kind": "judge"},
    "submitted_by": "Ada",
}


def test_a_dataset_comes_back_as_it_was_entered(db):
    manifest = {"kind": "sft", "hash": "abc", "rows": {"train": 3}}
    made = datasets.add(db, Path("/d/first"), manifest, author="Ada", job="j")
    assert (made.id, made.name, made.kind, made.path) == ("abc", "first", "sft", Path("/d/first"))
    assert made.manifest == manifest
    assert datasets.get(db, "abc") == made


def test_a_dataset_is_entered_once(db):
    manifest = {"kind": "sft", "hash": "abc"}
    first = datasets.add(db, Path("/d"), manifest, author="Ada")
    assert datasets.add(db, Path("/d"), manifest, author="Grace") == first
    assert db["audit"].count == 1


def test_the_same_content_in_another_folder_is_another_dataset(db):
    manifest = {"kind": "sft", "hash": "abc"}
    one = datasets.add(db, Path("/1"), manifest)
    two = datasets.add(db, Path("/2"), manifest)
    assert one.id == "abc" != two.id
    assert datasets.add(db, Path("/2"), manifest) == two
    assert len(datasets.find(db)) == 2


def test_datasets_are_listed_newest_first_by_kind(db):
    for kind, key in (("sft", "1"), ("preference", "2"), ("sft", "3")):
        datasets.add(db, Path("/d") / key, {"kind": kind, "hash": key})
    assert [d.id for d in datasets.find(db, kind="sft")] == ["3", "1"]
    assert len(datasets.find(db)) == 3


def test_a_dataset_never_changes(db):
    datasets.add(db, Path("/d"), {"kind": "sft", "hash": "abc"})
    with pytest.raises(sqlite3.IntegrityError, match="never changes"):
        db.execute("UPDATE datasets SET path = '/e'")


def test_a_job_begins_queued(db):
    job = work.add(db, ROW)
    assert (job.state, job.attempt, job.reason, job.progress) == ("queued", 1, "", Progress(0, 0))
    assert job.argv == ROW["argv"]
    assert work.get(db, "j") == job


def test_states_change_only_as_the_table_allows(db):
    for to in get_args(work.State):
        for source in get_args(work.State):
            row = ROW | {"id": f"{source}-{to}"}
            work.add(db, row)
            db.execute("UPDATE jobs SET state = ? WHERE id = ?", [source, row["id"]])
            moved = work.move(db, row["id"], to, reason="why")
            assert moved == (source in work.COMES_FROM[to])
            assert work.get(db, row["id"]).state == (to if moved else source)


def test_what_has_succeeded_is_only_queued_again():
    found = [to for to, sources in work.COMES_FROM.items() if "succeeded" in sources]
    assert found == ["queued"]


def test_only_one_of_two_can_claim_a_job(db):
    work.add(db, ROW)
    assert [work.move(db, "j", "starting") for _ in range(2)] == [True, False]


def test_times_follow_the_state(db):
    work.add(db, ROW)
    work.move(db, "j", "starting")
    started = work.get(db, "j").started
    work.move(db, "j", "running")
    work.move(db, "j", "failed", reason="why")
    job = work.get(db, "j")
    assert (job.started, job.reason) == (started, "why")
    assert job.ended > started
    work.move(db, "j", "queued", attempt=1)
    job = work.get(db, "j")
    assert (job.ended, job.attempt, job.reason) == (None, 2, "")


def test_a_change_can_be_narrowed(db):
    work.add(db, ROW)
    assert not work.move(db, "j", "cancelled", source=["running"])
    assert work.move(db, "j", "cancelled", source=["queued"])


def test_jobs_are_found_by_state_and_kind_newest_first(db):
    for key, kind in (("1", "judge"), ("2", "sft"), ("3", "judge")):
        work.add(db, ROW | {"id": key, "kind": kind})
    work.move(db, "1", "starting")
    assert [j.id for j in work.find(db)] == ["3", "2", "1"]
    assert [j.id for j in work.find(db, states=["queued"], kinds=["judge"])] == ["3"]
    assert [j.id for j in work.find(db, limit=1)] == ["3"]


def test_a_step_told_again_replaces_the_old_numbers(db):
    work.add(db, ROW)
    work.add_metrics(db, "j", [(1, {"loss": 3.0, "kl": None}), (2, {"loss": 2.0})])
    work.add_metrics(db, "j", [(2, {"loss": 2.5})])
    found = work.metrics(db, "j")
    assert found["loss"] == [(1, 3.0), (2, 2.5)]
    assert math.isnan(found["kl"][0][1])
    assert work.metric_names(db, "j") == ["kl", "loss"]
    assert list(work.metrics(db, "j", ["kl"])) == ["kl"]


def test_what_is_not_there_is_said(db):
    with pytest.raises(NotFoundError, match="no job with the id 'x'"):
        work.get(db, "x")
    with pytest.raises(NotFoundError, match="no dataset with the id 'x'"):
        datasets.get(db, "x")


def test_the_cache_gives_back_what_was_put(tmp_path):
    cache = SqliteCache(tmp_path / "weights" / "cache.db")
    assert cache.get(["a"]) == {}
    cache.put({"a": {"text": "té"}, "b": [1.5, None]})
    cache.put({"b": 2})
    assert cache.get(["a", "b", "c"]) == {"a": {"text": "té"}, "b": 2}


def test_the_cache_may_be_deleted_at_any_time(tmp_path):
    cache = SqliteCache(tmp_path / "cache.db")
    cache.put({"a": 1})
    for path in tmp_path.iterdir():
        path.unlink()
    assert cache.get(["a"]) == {}
    cache.put({"a": 2})
    assert cache.get(["a"]) == {"a": 2}


def test_the_cache_takes_thousands_of_keys_at_once(tmp_path):
    cache = SqliteCache(tmp_path / "cache.db")
    cache.put({str(n): n for n in range(5000)})
    assert len(cache.get([str(n) for n in range(6000)])) == 5000
