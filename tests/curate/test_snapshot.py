"""Frozen datasets."""

import datetime
import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from cai_core.curate import pool, snapshot
from cai_core.curate.filters import Filters
from cai_core.curate.snapshot import Origin
from cai_core.errors import DataError
from cai_core.schema import ConstitutionRef, Label, Pair, Prompt, user
from cai_core.train.rows import TrainingData

NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)
PROMPTS = [Prompt.of(f"What is the meaning of {n} times {n * 7}?") for n in range(40)]


@pytest.fixture
def frozen(tmp_path):
    return snapshot.freeze(pool.prompt_rows(PROMPTS), tmp_path / "d", now=lambda: NOON)


def test_the_folder_holds_three_splits_and_a_manifest(frozen):
    names = sorted(path.name for path in frozen.path.iterdir())
    assert names == ["dev.jsonl", "manifest.json", "test.jsonl", "train.jsonl"]
    assert sum(len(frozen.rows(split)) for split in ("train", "dev", "test")) == 40
    assert frozen.manifest["created"] == "2026-01-02T12:00:00+00:00"
    assert json.loads((frozen.path / "manifest.json").read_text()) == frozen.manifest


def test_what_is_read_is_what_was_frozen(frozen):
    assert snapshot.read(frozen.path) == frozen


def test_training_reads_it_under_the_same_hash(frozen):
    data = TrainingData.load(frozen.path, "prompts")
    assert data.hash == frozen.hash
    assert sum(data.sizes.values()) == 40


def test_the_hash_is_of_the_content_and_not_of_time_or_place(frozen, tmp_path):
    again = snapshot.freeze(pool.prompt_rows(PROMPTS), tmp_path / "e")
    assert again.hash == frozen.hash
    fewer = snapshot.freeze(pool.prompt_rows(PROMPTS[:-1]), tmp_path / "f")
    assert fewer.hash != frozen.hash


def test_a_frozen_dataset_is_never_overwritten(frozen):
    with pytest.raises(DataError, match="holds another frozen dataset"):
        snapshot.freeze(pool.prompt_rows(PROMPTS[:-1]), frozen.path)
    assert snapshot.read(frozen.path) == frozen
    assert snapshot.freeze(pool.prompt_rows(PROMPTS), frozen.path) == frozen


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataError, match="is no dataset"):
        snapshot.freeze(pool.prompt_rows(PROMPTS), tmp_path / "mine")


def test_a_half_written_folder_of_a_killed_run_is_replaced(tmp_path):
    (tmp_path / "d.part").mkdir()
    (tmp_path / "d.part" / "train.jsonl").write_text("half")
    snapshot.freeze(pool.prompt_rows(PROMPTS), tmp_path / "d")
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_an_empty_dataset_is_refused_with_what_was_left_out(tmp_path):
    empty = pool.Pool("sft", (), {"refusal": 3})
    with pytest.raises(DataError, match=r"no row is left for a dataset \(3 refusal\)"):
        snapshot.freeze(empty, tmp_path / "d")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("damage", ["delete", "edit", "manifest", "kind"])
def test_a_dataset_that_was_changed_is_refused(frozen, damage):
    if damage == "delete":
        (frozen.path / "dev.jsonl").unlink()
    if damage == "edit":
        (frozen.path / "train.jsonl").write_text("{}\n")
    if damage == "manifest":
        (frozen.path / "manifest.json").write_text("nonsense")
    if damage == "kind":
        (frozen.path / "manifest.json").write_text(json.dumps(frozen.manifest | {"kind": "x"}))
    with pytest.raises(DataError):
        snapshot.read(frozen.path)


def test_the_manifest_says_where_the_rows_come_from(tmp_path):
    refs = (ConstitutionRef("c", "h1", 1), ConstitutionRef("c", "h2", 2))
    rows = pool.prompt_rows(PROMPTS[:3]).rows
    mixed = [
        replace(row, constitution=ref) for row, ref in zip(rows, (*refs, refs[0]), strict=True)
    ]
    origin = Origin(Filters(min_words=2), {"rounds": "all"}, {"labels": "abc"}, seed=3, share=0.2)
    made = snapshot.freeze(pool.Pool("prompts", tuple(mixed)), tmp_path / "d", origin).manifest
    assert made["constitution"] is None
    assert [(ref["hash"], ref["rows"]) for ref in made["constitutions"]] == [("h1", 2), ("h2", 1)]
    assert made["filters"] == {"min_words": 2}
    assert (made["settings"], made["inputs"], made["seed"]) == (
        {"rounds": "all"},
        {"labels": "abc"},
        3,
    )


def test_rows_with_separators_of_lines_survive(tmp_path):
    text = "one\u2028two\x85three"
    frozen = snapshot.freeze(pool.prompt_rows([Prompt.of(text)]), tmp_path / "d")
    (row,) = [row for split in ("train", "dev", "test") for row in frozen.rows(split)]
    assert row["prompt"][0]["content"] == text


def test_a_manifest_names_the_judges_whose_labels_were_taken(tmp_path):
    pair = Pair.of((user("How do I make tea?"),), "one answer", "another answer")
    label = Label(pair, "a", 0.8, annotator="endpoint:lab/big")
    made = pool.preference_rows([pool.LabelledPair.of(label)])
    assert snapshot.freeze(made, tmp_path / "d").manifest["judges"] == ["endpoint:lab/big"]


def test_a_certificate_stands_in_the_manifest_and_one_stamped_later_beside_it(frozen, tmp_path):
    assert "certificate" not in frozen.manifest
    assert frozen.certificate is None
    origin = Origin(certificate={"words": "70%"})
    made = snapshot.freeze(pool.prompt_rows(PROMPTS), tmp_path / "certified", origin)
    assert snapshot.read(made.path).certificate == {"words": "70%"}
    snapshot.stamp(made.path, {"words": "80%"})
    there = snapshot.read(made.path)
    assert (there.certificate, there.hash) == ({"words": "80%"}, frozen.hash)
    assert not list(made.path.glob("*.part"))


def test_a_probability_that_no_row_of_a_split_has_keeps_its_type_in_parquet(tmp_path):
    pair = Pair.of((user("Hi"),), "one", "two")
    made = pool.preference_rows([pool.LabelledPair(pair, 0.9, p_judge=0.9, split="train")])
    frozen = snapshot.freeze(made, tmp_path / "d")
    (file,) = snapshot.export_parquet(frozen, tmp_path / "out")
    types = {field.name: str(field.type) for field in pq.read_schema(file)}
    assert (types["p_people"], types["p_judge"]) == ("double", "double")
