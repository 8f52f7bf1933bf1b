import json
import math

import pytest
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from cai_core.errors import Stopped, TrainError
from cai_core.train import checkpoints, sft
from cai_core.train.card import Run
from cai_core.train.configs import LoraSetting, SftConfig
from tests.train.conftest import Recorder, make_task, sft_rows, turn, write_dataset

FAST = {"learning_rate": 1e-2, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 1}


@pytest.fixture
def data(tmp_path):
    return write_dataset(
        tmp_path / "data", "sft", train=sft_rows(16), dev=sft_rows(3, 50), test=sft_rows(3, 70)
    )


def config(**more):
    return SftConfig(**(FAST | more))


def test_loss_falls_and_the_result_is_a_plain_model(tiny, data, tmp_path):
    seen = Recorder()
    task = make_task(
        "sft", data, tiny, tmp_path / "out", config(num_train_epochs=6), hooks=seen.hooks
    )
    run = sft.train(task)
    losses = seen.curve("loss")
    assert losses[-1] < losses[0] - 1
    assert len(losses) == run.steps == 24
    assert seen.progress[-1].done == seen.progress[-1].total == 24
    assert run.metrics["eval_loss"] < losses[0] - 1
    assert run.metrics["test_loss"] < losses[0] - 1
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out").num_parameters() > 0
    assert AutoTokenizer.from_pretrained(tmp_path / "out").chat_template
    assert not list((tmp_path / "out").rglob("*.bin"))
    assert not (tmp_path / "out" / "checkpoints").exists()


def test_run_and_card_say_where_the_model_comes_from(tiny, data, tmp_path):
    (data / "manifest.json").write_text(
        json.dumps({"kind": "sft", "hash": "h1", "constitution": {"name": "C", "hash": "c1"}})
    )
    stamped = {
        "words": "70% agree",
        "population_words": "these",
        "hash": "abc",
        "date": "2026-01-02",
    }
    (data / "certificate.json").write_text(json.dumps(stamped))
    task = make_task(
        "sft", data, tiny, tmp_path / "out", config(max_steps=1), base_model="builtin:x"
    )
    sft.train(task)
    run = Run.read(tmp_path / "out")
    assert (run.method, run.base_model, run.dataset["hash"]) == ("sft", "builtin:x", "h1")
    assert run.constitution == {"name": "C", "hash": "c1"}
    assert run.versions["trl"]
    assert run.train_seconds > 0
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Constitution: C, hash `c1`" in card
    assert "- Labels: of these, 70% agree (2026-01-02, hash `abc`)" in card
    assert run.dataset["certificate"] == stamped
    assert "| learning_rate | 0.01 |" in card


def test_only_the_completion_is_learned(tiny, data, tmp_path):
    trainer = sft.QuietSftTrainer(
        model=sft.load_causal(tiny),
        args=sft._arguments(make_task("sft", data, tiny, tmp_path / "o", config())),
        train_dataset=sft.dataset(
            make_task("sft", data, tiny, tmp_path / "o", config()).data.train
        ),
        processing_class=sft.loop.load_tokenizer(tiny),
    )
    batch = next(iter(trainer.get_train_dataloader()))
    ids, labels = batch["input_ids"][0], batch["labels"][0]
    learned = trainer.processing_class.decode(ids[labels != -100])
    assert learned == "Boil water, add the leaves and wait.<|im_end|>\n"


def test_stopped_training_goes_on_to_the_same_weights(tiny, data, tmp_path):
    whole = make_task("sft", data, tiny, tmp_path / "whole", config(max_steps=6))
    sft.train(whole)
    halves = make_task(
        "sft", data, tiny, tmp_path / "halves", config(max_steps=6), hooks=Recorder(3).hooks
    )
    with pytest.raises(Stopped, match="stopped after step 3 of 6"):
        sft.train(halves)
    newest = checkpoints.newest_valid(tmp_path / "halves" / "checkpoints")
    assert newest is not None
    assert newest.name == "checkpoint-3"
    seen = Recorder()
    sft.train(
        make_task("sft", data, tiny, tmp_path / "halves", config(max_steps=6), hooks=seen.hooks)
    )
    assert seen.progress[0].done == 3
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "halves"))
    assert max((one[name] - other[name]).abs().max() for name in one) < 1e-6


def test_a_truncated_newest_checkpoint_is_passed_over(tiny, data, tmp_path):
    asked = config(max_steps=6, save_steps=2)
    with pytest.raises(Stopped):
        sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=Recorder(4).hooks))
    weights = tmp_path / "o" / "checkpoints" / "checkpoint-4" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    seen = Recorder()
    run = sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=seen.hooks))
    assert seen.progress[0].done == 2
    assert run.steps == 6


def test_a_finished_training_is_not_made_again(tiny, data, tmp_path):
    first = sft.train(make_task("sft", data, tiny, tmp_path / "o", config(max_steps=2)))
    seen = Recorder()
    again = sft.train(
        make_task("sft", data, tiny, tmp_path / "o", config(max_steps=2), hooks=seen.hooks)
    )
    assert seen.progress == []
    assert again.train_seconds == first.train_seconds
    with pytest.raises(TrainError, match="max_steps was 2 and is now 3"):
        sft.train(make_task("sft", data, tiny, tmp_path / "o", config(max_steps=3)))


def test_adapters_are_merged_into_the_result(tiny, data, tmp_path):
    asked = config(max_steps=4, lora=LoraSetting(r=4))
    sft.train(make_task("sft", data, tiny, tmp_path / "o", asked))
    before = load_file(tiny / "model.safetensors")
    with safe_open(tmp_path / "o" / "model.safetensors", framework="pt") as after:
        assert set(after.keys()) == set(before)
        name = next(n for n in before if "q_proj" in n)
        assert (after.get_tensor(name) - before[name]).abs().max() > 0


def test_adapter_training_goes_on_after_a_stop(tiny, data, tmp_path):
    asked = config(max_steps=6, lora=LoraSetting(r=4))
    sft.train(make_task("sft", data, tiny, tmp_path / "whole", asked))
    with pytest.raises(Stopped):
        sft.train(make_task("sft", data, tiny, tmp_path / "o", asked, hooks=Recorder(3).hooks))
    sft.train(make_task("sft", data, tiny, tmp_path / "o", asked))
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "o"))
    assert max((one[name] - other[name]).abs().max() for name in one) < 1e-6


def test_rows_that_are_cut_are_counted(tiny, tmp_path):
    rows = [*sft_rows(3), {"prompt": turn("user", "x " * 60), "completion": turn("assistant", "y")}]
    data = write_dataset(tmp_path / "long", "sft", train=rows)
    run = sft.train(
        make_task("sft", data, tiny, tmp_path / "o", config(max_steps=1, max_length=64))
    )
    assert run.notes == ("1 rows were longer than max_length and cut",)


def test_a_diverging_loss_is_an_error(tiny, data, tmp_path):
    task = make_task(
        "sft", data, tiny, tmp_path / "o", config(learning_rate=1.0, max_grad_norm=0, max_steps=200)
    )
    broken = sft.load_causal(tiny)
    for weight in broken.parameters():
        weight.data.fill_(math.nan)
    folder = tmp_path / "broken"
    broken.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(folder)
    with pytest.raises(TrainError, match="training diverged"):
        sft.train(make_task("sft", data, folder, tmp_path / "o", task.config))


def test_a_model_without_a_chat_template_is_refused(tiny, data, tmp_path):
    folder = tmp_path / "plain"
    sft.load_causal(tiny).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.chat_template = None
    tokenizer.save_pretrained(folder)
    with pytest.raises(TrainError, match="has no chat template"):
        sft.train(make_task("sft", data, folder, tmp_path / "o", config()))


def test_padding_is_never_the_end_of_turn(tiny, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(tmp_path)
    assert sft.loop.load_tokenizer(tmp_path).pad_token == "<|endoftext|>"
