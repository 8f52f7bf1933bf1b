"""Train the head of a frozen backbone: read the features, fit, save."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from cai_core.schema import Row
from cai_core.train import loop
from cai_core.train.card import Run
from cai_core.train.configs import RewardConfig
from cai_core.train.loop import Task
from cai_core.train.rewards import frozen, held_out, memory
from cai_core.train.rewards.cutting import FittingPairs
from cai_core.train.rewards.frozen import Backbone, Fit, FrozenReward, Lessons


def train(task: Task, backbone: Backbone) -> tuple[FrozenReward, Run]:
    """Fit the head to `task`'s training pairs and save it in `task.out`; the seconds are of all of it.

    Raises:
        TrainError: nothing to learn from. Stopped: as asked; features that were read are kept.
    """
    config = cast(RewardConfig, task.config)
    began = time.monotonic()
    memory.forget_peak()
    tokenizer = loop.load_tokenizer(task.model)
    limit = min(config.max_length, frozen.window_of(task.model))
    pairs = FittingPairs.to_train_on(task.data.train, tokenizer, limit)
    untaught = FrozenReward(np.zeros(0), backbone, tokenizer, limit)
    lessons = _lessons(untaught, pairs.rows, task)
    fit = _fit(config, lessons, untaught, task)
    frozen.save(fit.direction, task.out)
    sizes = {"parameters_trained": len(fit.direction), "peak_memory_bytes": memory.peak_bytes()}
    metrics = {"loss": lessons.loss(fit.direction), "inverse_l2": fit.c, **pairs.counts, **sizes}
    seconds = time.monotonic() - began
    task.hooks.metric(fit.steps, {"loss": metrics["loss"], "fit_seconds": fit.seconds})
    run = task.run(steps=fit.steps, seconds=seconds, metrics=metrics)
    made = {"fingerprint": backbone.fingerprint, "features": backbone.version}
    note = f"a head on the frozen features of {task.name}; it is scored with that model"
    run = loop.with_notes(replace(run, reward=made), note, *pairs.notes)
    return replace(untaught, direction=fit.direction), run


def _fit(config: RewardConfig, lessons: Lessons, reader: FrozenReward, task: Task) -> Fit:
    """With the strength that was asked for, else the best on dev, else the default."""
    dev = task.data.split("dev")
    if config.inverse_l2 is not None or not dev:
        return frozen.fit(lessons, c=config.inverse_l2 or frozen.DEFAULT_C)
    return frozen.fit_chosen(lessons, _lessons(reader, dev, task))


def _lessons(reader: FrozenReward, rows: Sequence[Row], task: Task) -> Lessons:
    chats = held_out.both_sides(reader, rows)
    read = reader.features(chats, task.hooks)
    return Lessons.of(rows, read[::2] - read[1::2])
