from pathlib import Path

import pytest

from cai_core.errors import TrainError
from cai_core.train import checkpoints


def checkpoint(folder: Path, step: int) -> Path:
    path = folder / f"checkpoint-{step}"
    (path / "value").mkdir(parents=True)
    (path / "model.safetensors").write_bytes(b"x" * 1000)
    (path / "value" / "model.safetensors").write_bytes(b"y" * 10)
    checkpoints.mark_complete(path)
    return path


def test_newest_checkpoint_is_chosen_by_number_not_by_name(tmp_path):
    for step in (5, 10, 100, 20):
        checkpoint(tmp_path, step)
    assert checkpoints.newest_valid(tmp_path) == tmp_path / "checkpoint-100"


def test_a_checkpoint_without_marker_is_passed_over(tmp_path):
    good = checkpoint(tmp_path, 5)
    (checkpoint(tmp_path, 10) / checkpoints.MARKER).unlink()
    assert checkpoints.newest_valid(tmp_path) == good


@pytest.mark.parametrize("name", ["model.safetensors", "value/model.safetensors"])
def test_a_truncated_or_missing_file_makes_a_checkpoint_invalid(tmp_path, name):
    path = checkpoint(tmp_path, 5)
    assert checkpoints.is_complete(path)
    (path / name).write_bytes(b"x")
    assert not checkpoints.is_complete(path)
    (path / name).unlink()
    assert not checkpoints.is_complete(path)


def test_a_damaged_marker_is_no_marker(tmp_path):
    path = checkpoint(tmp_path, 5)
    for text in ("", "{", "[]", "{}", '{"nothing": 3}'):
        (path / checkpoints.MARKER).write_text(text)
        assert not checkpoints.is_complete(path), text


def test_broken_checkpoints_are_deleted_and_the_newest_two_are_kept(tmp_path):
    for step in (1, 2, 3, 4):
        checkpoint(tmp_path, step)
    (tmp_path / "checkpoint-9").mkdir()
    assert checkpoints.discard_broken(tmp_path) == [tmp_path / "checkpoint-9"]
    checkpoints.keep_newest(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-3", "checkpoint-4"]


def test_no_checkpoint_where_there_is_no_folder(tmp_path):
    assert checkpoints.newest_valid(tmp_path / "none") is None
    assert checkpoints.discard_broken(tmp_path / "none") == []


def test_the_same_settings_may_begin_again(tmp_path):
    checkpoints.begin(tmp_path / "out", {"a": 1, "config": {"lr": 0.1, "t": (1, 2)}})
    checkpoints.begin(tmp_path / "out", {"config": {"t": [1, 2], "lr": 0.1}, "a": 1})


def test_other_settings_are_refused_with_the_difference(tmp_path):
    checkpoints.begin(tmp_path / "out", {"model": "m", "config": {"lr": 0.1, "epochs": 1}})
    with pytest.raises(TrainError, match=r"config\.lr was 0\.1 and is now 0\.2; use the same"):
        checkpoints.begin(tmp_path / "out", {"model": "m", "config": {"lr": 0.2, "epochs": 1}})


def test_a_folder_with_other_things_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(TrainError, match="is not empty"):
        checkpoints.begin(tmp_path, {})


def test_a_finished_result_drops_its_checkpoints(tmp_path):
    checkpoint(tmp_path / checkpoints.CHECKPOINTS, 5)
    (tmp_path / "model.safetensors").write_bytes(b"x")
    checkpoints.finish(tmp_path)
    assert checkpoints.is_complete(tmp_path)
    assert not (tmp_path / checkpoints.CHECKPOINTS).exists()


def test_a_folder_in_which_nothing_was_made_is_given_back(tmp_path):
    out = tmp_path / "out"
    checkpoints.begin(out, {"lr": 1})
    checkpoints.abandon_if_empty(out)
    assert not out.exists()
    checkpoints.begin(out, {"lr": 2})
    checkpoint(out / checkpoints.CHECKPOINTS, 5)
    checkpoints.abandon_if_empty(out)
    assert checkpoints.newest_valid(out / checkpoints.CHECKPOINTS)
