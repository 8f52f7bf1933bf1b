import importlib.util
import os

import pytest

from cai_core.errors import TrainError
from cai_core.train import sft, trackers
from cai_core.train.configs import SftConfig
from tests.train.conftest import make_task, sft_rows, write_dataset

MISSING = [name for name in ("wandb", "mlflow", "trackio") if not importlib.util.find_spec(name)]


@pytest.mark.parametrize("name", MISSING)
def test_a_tracker_that_is_not_installed_is_named_before_anything_is_made(tiny, tmp_path, name):
    data = write_dataset(tmp_path / "d", "sft", train=sft_rows(4))
    task = make_task("sft", data, tiny, tmp_path / "o", SftConfig(report_to=name))
    with pytest.raises(TrainError, match=f"report_to is {name}, which is not installed: run `pip"):
        sft.train(task)
    assert not (tmp_path / "o").exists()


def test_a_tracker_writes_into_the_run_s_folder_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setattr(trackers, "find_spec", lambda name: name)
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", "")  # so that it is put back afterwards
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR")
    monkeypatch.setenv("WANDB_DIR", "/mine")
    trackers.prepare("tensorboard", tmp_path)
    trackers.prepare("wandb", tmp_path)
    assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(tmp_path / "watch" / "tensorboard")
    assert os.environ["WANDB_DIR"] == "/mine"
