import json

import pytest

from cai_core.errors import DataError, TrainError
from cai_core.train.rows import TrainingData
from tests.train.conftest import preference_rows, prompt_rows, sft_rows, turn, write_dataset


def test_a_dataset_is_read_by_split(tmp_path):
    data = write_dataset(tmp_path / "d", "sft", train=sft_rows(3), dev=sft_rows(1), test=[])
    read = TrainingData.load(data, "sft")
    assert read.sizes == {"train": 3, "dev": 1, "test": 0}
    assert read.train[0]["completion"][0]["role"] == "assistant"


def test_a_single_file_is_a_train_split(tmp_path):
    data = write_dataset(tmp_path / "d", "prompts", train=prompt_rows(2)) / "train.jsonl"
    assert TrainingData.load(data, "prompts").sizes == {"train": 2}


def test_texts_are_read_as_turns(tmp_path):
    row = {"prompt": "Is it?", "chosen": "yes", "rejected": "no"}
    data = write_dataset(tmp_path / "d", "preference", train=[row])
    read = TrainingData.load(data, "preference").train[0]
    assert read["prompt"] == turn("user", "Is it?")
    assert (read["chosen"], read["p_chosen"], read["weight"]) == (
        turn("assistant", "yes"),
        1.0,
        1.0,
    )


def test_a_dataset_of_before_says_nothing_of_whose_labels_it_has(tmp_path):
    data = write_dataset(tmp_path / "d", "preference", train=preference_rows(1))
    read = TrainingData.load(data, "preference").train[0]
    assert (read["labelled_by"], read["p_people"], read["p_judge"]) == ("", None, None)


def test_what_people_and_the_judge_said_is_read_where_it_is_there(tmp_path):
    more = {"labelled_by": "people", "p_people": 0.85, "p_judge": 0}
    rows = [preference_rows(1)[0] | more, preference_rows(1)[0] | {"p_people": None}]
    data = write_dataset(tmp_path / "d", "preference", train=rows)
    one, other = TrainingData.load(data, "preference").train
    assert (one["labelled_by"], one["p_people"], one["p_judge"]) == ("people", 0.85, 0.0)
    assert other["p_people"] is None


def test_a_line_separator_inside_a_text_does_not_end_the_row(tmp_path):
    row = json.dumps({"prompt": "one\u2028two"}, ensure_ascii=False)
    (tmp_path / "p.jsonl").write_text(row + "\n", encoding="utf-8")
    assert TrainingData.load(tmp_path / "p.jsonl", "prompts").sizes == {"train": 1}


@pytest.mark.parametrize("rows", [None, []])
def test_a_dataset_without_rows_is_refused_by_a_sentence(tmp_path, rows):
    splits = {} if rows is None else {"train": rows}
    data = write_dataset(tmp_path / "d", "sft", **splits)
    with pytest.raises(TrainError, match="no row in its train split"):
        TrainingData.load(data, "sft")


def test_a_missing_dataset_and_one_of_another_kind_are_refused(tmp_path):
    with pytest.raises(TrainError, match="there is no dataset at"):
        TrainingData.load(tmp_path / "none", "sft")
    data = write_dataset(tmp_path / "d", "sft", train=sft_rows(1))
    with pytest.raises(TrainError, match="of kind sft, not preference"):
        TrainingData.load(data, "preference")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"p_chosen": 1.5}, "'p_chosen' must be a number from 0 to 1"),
        ({"p_chosen": True}, "'p_chosen' must be a number"),
        ({"weight": -1}, "'weight' must be a number"),
        ({"labelled_by": "somebody"}, "'labelled_by' must be one of people, "),
        ({"p_people": 2}, "'p_people' must be a number from 0 to 1"),
        ({"p_judge": "0.4"}, "'p_judge' must be a number"),
        ({"chosen": []}, "'chosen' must hold one assistant turn"),
        ({"chosen": turn("user", "x")}, "'chosen' must hold one assistant turn"),
        ({"prompt": turn("assistant", "x")}, "must end in a user turn"),
    ],
)
def test_a_bad_row_is_reported_with_file_and_line(tmp_path, change, sentence):
    rows = preference_rows(2)
    data = write_dataset(tmp_path / "d", "preference", train=[rows[0], rows[1] | change])
    with pytest.raises(DataError, match=rf"train\.jsonl:2: .*{sentence}"):
        TrainingData.load(data, "preference")


def test_the_hash_is_the_manifests_else_that_of_the_rows(tmp_path):
    one = write_dataset(tmp_path / "a", "sft", train=sft_rows(2))
    other = write_dataset(tmp_path / "b", "sft", train=sft_rows(3))
    assert TrainingData.load(one, "sft").hash != TrainingData.load(other, "sft").hash
    (one / "manifest.json").write_text(json.dumps({"kind": "sft", "hash": "abc"}))
    assert TrainingData.load(one, "sft").hash == "abc"
