"""Evaluation during training: the best weights are kept, early stops, and kills at any step."""

import pytest
from safetensors.torch import load_file

from cai_core.errors import Stopped
from cai_core.schema import Hooks
from cai_core.train import checkpoints, reward, sft
from cai_core.train.card import Run
from cai_core.train.configs import LoraSetting, RewardConfig, SftConfig
from cai_core.train.watch.records import Watch
from tests.train.conftest import (
    Recorder,
    make_task,
    preference_rows,
    sft_rows,
    turn,
    write_dataset,
)

FAST = {"learning_rate": 1e-2, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 1}
WORSENS = {"max_steps": 12, "eval_steps": 2, "learning_rate": 3e-2, "early_stopping_patience": 2}


class Killed(BaseException):
    """As a kill: nothing in the code waits for it."""


def worsening(folder):
    """Dev rows that are answered otherwise than train rows: what is learned makes them worse."""
    dev = sft_rows(4, 50)
    for row in dev:
        row["completion"] = turn("assistant", "no bad a plan can't help")
    return write_dataset(folder, "sft", train=sft_rows(16), dev=dev)


def weights(out):
    return load_file(out / "model.safetensors")


def furthest(one, other):
    return max((one[name] - other[name]).abs().max().item() for name in one)


def test_training_looks_at_the_dev_rows_every_eval_steps(tiny, tmp_path):
    data = write_dataset(tmp_path / "d", "sft", train=sft_rows(16), dev=sft_rows(3, 50))
    seen = Recorder()
    asked = SftConfig(**FAST, num_train_epochs=2, eval_steps=3)
    run = sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=seen.hooks))
    looks = {step: row["eval_loss"] for step, row in seen.metrics if "eval_loss" in row}
    assert sorted(looks) == [3, 6, 8]  # and after the last step
    assert run.metrics["eval_loss"] == min(looks.values())
    assert "eval_mean_token_accuracy" in run.metrics
    assert not [name for _, row in seen.metrics for name in row if name.endswith("_runtime")]


def test_it_stops_early_and_keeps_the_best_weights(tiny, tmp_path):
    data = worsening(tmp_path / "d")
    seen = Recorder()
    asked = SftConfig(**(FAST | WORSENS))
    run = sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=seen.hooks))
    looks = {step: row["eval_loss"] for step, row in seen.metrics if "eval_loss" in row}
    best = min(looks, key=lambda step: looks[step])
    assert run.steps == best + 4 < 12
    assert run.notes[-1] == (
        f"stopped early at step {run.steps} of 12; the weights of step {best} are kept, with the"
        " lowest dev loss"
    )
    assert run.metrics["eval_loss"] == looks[best]
    until_best = SftConfig(**(FAST | WORSENS | {"early_stopping_patience": None}))
    stopped = make_task("sft", data, tiny, tmp_path / "b", until_best, hooks=Recorder(best).hooks)
    with pytest.raises(Stopped):
        sft.train(stopped)
    at_best = weights(tmp_path / "b" / "checkpoints" / f"checkpoint-{best}")
    assert furthest(weights(tmp_path / "o"), at_best) == 0


def test_an_adapter_of_the_best_step_is_the_one_that_is_merged(tiny, tmp_path):
    data = worsening(tmp_path / "d")
    asked = SftConfig(**(FAST | WORSENS), lora=LoraSetting(r=4))
    run = sft.train(make_task("sft", data, tiny, tmp_path / "o", asked))
    fresh = make_task("sft", data, tiny, tmp_path / "p", asked)
    (tmp_path / "plain").mkdir()
    again = sft.QuietSftTrainer(
        model=sft.load_causal(tmp_path / "o"),
        args=sft._arguments(fresh),
        train_dataset=sft.dataset(fresh.data.train),
        processing_class=sft.loop.load_tokenizer(tiny),
    )
    measured = again.evaluate(again.made_of(fresh.data.split("dev")))
    assert measured["eval_loss"] == pytest.approx(run.metrics["eval_loss"], abs=1e-4)


def test_the_newest_two_checkpoints_and_the_best_are_kept(tiny, tmp_path):
    data = worsening(tmp_path / "d")
    more = {"early_stopping_patience": None, "save_steps": 1, "max_steps": 12}
    asked = SftConfig(**(FAST | WORSENS | more))
    seen = Recorder(11)
    with pytest.raises(Stopped):
        sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=seen.hooks))
    looks = {step: row["eval_loss"] for step, row in seen.metrics if "eval_loss" in row}
    best = min(looks, key=lambda step: looks[step])
    kept = {path.name for path in (tmp_path / "o" / "checkpoints").glob("checkpoint-*")}
    assert best < 9
    assert kept == {f"checkpoint-{step}" for step in (best, 10, 11)}


def test_a_broken_best_checkpoint_is_said_and_the_last_weights_are_kept(tiny, tmp_path):
    data = worsening(tmp_path / "d")
    asked = SftConfig(**(FAST | WORSENS | {"early_stopping_patience": None}))
    seen = Recorder(9)
    with pytest.raises(Stopped):
        sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=seen.hooks))
    looks = {step: row["eval_loss"] for step, row in seen.metrics if "eval_loss" in row}
    best = min(looks, key=lambda step: looks[step])
    file = tmp_path / "o" / "checkpoints" / f"checkpoint-{best}" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:50])
    run = sft.train(make_task("sft", data, tiny, tmp_path / "o", asked))
    assert run.notes[-1] == (
        f"the checkpoint of step {best} cannot be read: the last weights are kept"
    )


def dying(when):
    """Hooks under which the process ends at once when `when` is true of what is told."""

    def metric(step, values):
        if when(step, values):
            raise Killed

    return Hooks(metric=metric)


def preference(folder):
    return write_dataset(
        folder, "preference", train=preference_rows(16), dev=preference_rows(4, 50, p=0.7)
    )


@pytest.mark.parametrize("step", [1, 3, 4, 5, 6])
def test_sft_killed_at_any_step_and_continued_is_as_if_not_killed(tiny, tmp_path, step):
    data = write_dataset(tmp_path / "d", "sft", train=sft_rows(16), dev=sft_rows(3, 50))
    asked = SftConfig(**FAST, max_steps=6, eval_steps=2, save_steps=3)
    whole = sft.train(make_task("sft", data, tiny, tmp_path / "whole", asked))
    hooks = dying(lambda now, values: now == step and "loss" in values)
    with pytest.raises(Killed):
        sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=hooks))
    run = sft.train(make_task("sft", data, tiny, tmp_path / "o", asked))
    assert run.metrics["eval_loss"] == pytest.approx(whole.metrics["eval_loss"], abs=1e-6)
    assert run.notes == whole.notes
    assert furthest(weights(tmp_path / "whole"), weights(tmp_path / "o")) < 1e-6


@pytest.mark.parametrize("step", [1, 4, 5])
def test_a_reward_model_killed_at_any_step_and_continued_is_as_if_not_killed(tiny, tmp_path, step):
    data = preference(tmp_path / "d")
    asked = RewardConfig(**FAST, max_steps=6, eval_steps=2, save_steps=3)
    whole = reward.train(make_task("reward", data, tiny, tmp_path / "whole", asked))
    hooks = dying(lambda now, values: now == step and "loss" in values)
    with pytest.raises(Killed):
        reward.train(make_task("reward", data, tiny, tmp_path / "o", asked, hooks=hooks))
    run = reward.train(make_task("reward", data, tiny, tmp_path / "o", asked))
    assert run.metrics["eval_loss"] == pytest.approx(whole.metrics["eval_loss"], abs=1e-6)
    assert furthest(weights(tmp_path / "whole"), weights(tmp_path / "o")) < 1e-6


def test_killed_after_an_early_stop_it_takes_no_step_more(tiny, tmp_path):
    data = worsening(tmp_path / "d")
    (tmp_path / "d" / "test.jsonl").write_text((tmp_path / "d" / "dev.jsonl").read_text())
    asked = SftConfig(**(FAST | WORSENS))
    whole = sft.train(make_task("sft", data, tiny, tmp_path / "whole", asked))
    hooks = dying(lambda _, values: "test_loss" in values)
    with pytest.raises(Killed):
        sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=hooks))
    seen = Recorder()
    run = sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=seen.hooks))
    assert seen.curve("loss") == []
    assert (run.steps, run.notes) == (whole.steps, whole.notes)
    assert run.train_seconds > 0
    assert furthest(weights(tmp_path / "whole"), weights(tmp_path / "o")) == 0


def test_killed_after_the_last_step_it_only_finishes(tiny, tmp_path):
    data = write_dataset(
        tmp_path / "d", "sft", train=sft_rows(8), dev=sft_rows(2, 50), test=sft_rows(2, 70)
    )
    asked = SftConfig(**FAST, max_steps=3, lora=LoraSetting(r=4))
    whole = sft.train(make_task("sft", data, tiny, tmp_path / "whole", asked))
    hooks = dying(lambda _, values: "test_loss" in values)
    with pytest.raises(Killed):
        sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=hooks))
    seen = Recorder()
    sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=seen.hooks))
    assert seen.curve("loss") == []
    assert Run.read(tmp_path / "o").metrics["eval_loss"] == whole.metrics["eval_loss"]
    assert furthest(weights(tmp_path / "whole"), weights(tmp_path / "o")) < 1e-6


def test_a_reward_model_looks_at_dev_pairs_and_shows_what_it_sees(tiny, tmp_path):
    data = preference(tmp_path / "d")
    seen = Recorder()
    asked = RewardConfig(**FAST, num_train_epochs=2, eval_steps=4)
    run = reward.train(make_task("reward", data, tiny, tmp_path / "o", asked, hooks=seen.hooks))
    looks = [step for step, row in seen.metrics if "eval_loss" in row]
    assert looks == [4, 8]
    assert run.metrics["eval_loss"] == min(seen.curve("eval_loss"))
    watch = Watch(tmp_path / "o")
    rows = watch.read("first_batch")["rows"]
    assert [row["side"] for row in rows[:2]] == [
        "chosen, p = 0.90, scored at its end",
        "rejected, p = 0.90, scored at its end",
    ]
    assert rows[0]["pieces"][-1] == ["\n", True]
    assert rows[0]["pieces"][0][0].endswith("yes yes good<|im_end|>")
    ends = watch.read("ends")
    assert ends["n"] == 4
    assert {"prompt", "chosen", "rejected", "p_chosen", "value"} <= set(ends["best"][0])


def test_without_looks_the_last_weights_are_kept(tiny, tmp_path):
    data = worsening(tmp_path / "d")
    asked = SftConfig(**(FAST | WORSENS | {"eval_steps": None}))
    seen = Recorder()
    run = sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=seen.hooks))
    assert (run.steps, run.notes) == (12, ())
    assert [step for step, row in seen.metrics if "eval_loss" in row] == [12]
    assert not checkpoints.newest_valid(tmp_path / "o" / "checkpoints")
