"""Trackers that get a run's curves besides the job's own files: one sentence where one is missing."""

import os
from importlib.util import find_spec
from pathlib import Path

from cai_core.errors import TrainError
from cai_core.train.checkpoints import WATCH
from cai_core.train.configs.base import Tracker

# where they write by themselves is the working directory, or the checkpoints, which are dropped
_PLACES = {
    "tensorboard": ("TENSORBOARD_LOGGING_DIR", "tensorboard"),
    "wandb": ("WANDB_DIR", ""),
}
_PACKAGES = {"tensorboard": ("tensorboard", "tensorboardX")}


def prepare(tracker: Tracker, out: Path) -> None:
    """Check that `tracker` is installed, and let it write into `out/watch` unless told otherwise.

    Raises:
        TrainError: it is not installed.
    """
    if tracker == "none":
        return
    packages = _PACKAGES.get(tracker, (tracker,))
    if not any(find_spec(name) for name in packages):
        raise TrainError(
            f"report_to is {tracker}, which is not installed: run `pip install {packages[0]}`, or"
            " set report_to to none"
        )
    if tracker in _PLACES:
        variable, name = _PLACES[tracker]
        (out / WATCH).mkdir(parents=True, exist_ok=True)
        os.environ.setdefault(variable, str(out / WATCH / name))
