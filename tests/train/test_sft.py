import json
import math

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from cai_core.errors import Stopped, TrainError
from cai_core.train import checkpoints, sft
from cai_core.train.card import Run
from cai_core.train.configs import LoraSetting, SftConfig
from cai_core.train.watch.records import Watch
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
    assert run.notes[0].startswith("1 rows were left out: nothing of their answer fits")
    assert (run.metrics["cut_rows"], run.metrics["dropped_rows"]) == (0, 1)
    rows[3]["completion"], rows[3]["prompt"] = turn("assistant", "y " * 60), turn("user", "x")
    data = write_dataset(tmp_path / "cut", "sft", train=rows)
    run = sft.train(
        make_task("sft", data, tiny, tmp_path / "o2", config(max_steps=1, max_length=64))
    )
    assert run.notes[0] == "1 rows were longer than max_length and cut"
    assert (run.metrics["cut_rows"], run.metrics["dropped_rows"]) == (1, 0)


def test_rows_of_which_no_answer_is_left_cannot_be_trained_on(tiny, tmp_path):
    rows = [{"prompt": turn("user", "x " * 60), "completion": turn("assistant", "y")}] * 3
    data = write_dataset(tmp_path / "long", "sft", train=rows)
    with pytest.raises(TrainError, match="no prompt leaves room for its answer: all 3 rows"):
        sft.train(make_task("sft", data, tiny, tmp_path / "o", config(max_steps=1, max_length=64)))


def test_a_dev_split_of_which_nothing_is_left_is_not_measured(tiny, tmp_path):
    rows = [{"prompt": turn("user", "x " * 60), "completion": turn("assistant", "y")}]
    data = write_dataset(tmp_path / "long", "sft", train=sft_rows(4), dev=rows, test=rows)
    run = sft.train(
        make_task("sft", data, tiny, tmp_path / "o", config(max_steps=1, max_length=64))
    )
    assert not [name for name in run.metrics if name.startswith(("eval_", "test_"))]


def test_packed_rows_that_lose_their_answer_are_dropped_too(tiny, tmp_path):
    rows = [*sft_rows(6), {"prompt": turn("user", "x " * 60), "completion": turn("assistant", "y")}]
    data = write_dataset(tmp_path / "long", "sft", train=rows)
    asked = config(max_steps=1, max_length=64, packing=True)
    run = sft.train(make_task("sft", data, tiny, tmp_path / "o", asked))
    assert (run.metrics["cut_rows"], run.metrics["dropped_rows"]) == (0, 1)


def trainer_of(tiny, data, out, **more):
    task = make_task("sft", data, tiny, out, config(**more))
    return sft.QuietSftTrainer(
        model=sft.load_causal(tiny),
        args=sft._arguments(task),
        train_dataset=sft.dataset(task.data.train),
        processing_class=sft.loop.load_tokenizer(tiny),
    )


def uneven(count):
    words = ["wait", "Boil water, add the leaves and wait.", "add the leaves. " * 20]
    rows = sft_rows(count)
    for i, row in enumerate(rows):
        row["completion"] = turn("assistant", words[i % 3])
    return rows


def test_packing_changes_no_row_s_loss_without_flash_attention(tiny, tmp_path):
    """TRL names flash attention as needed; transformers makes the same mask for sdpa."""
    data = write_dataset(tmp_path / "d", "sft", train=uneven(7))
    plain = trainer_of(tiny, data, tmp_path / "a", per_device_train_batch_size=7)
    packed = trainer_of(tiny, data, tmp_path / "b", packing=True, max_length=512)
    assert plain.model.config._attn_implementation == "sdpa"
    alone = next(iter(plain.get_train_dataloader()))
    together = next(iter(packed.get_train_dataloader()))
    assert together["input_ids"].shape[0] == 1
    assert together["input_ids"].shape[1] < alone["input_ids"].numel()
    losses = []
    for trainer, inputs in ((plain, alone), (packed, together)):
        inputs.pop("num_items_in_batch", None)
        losses.append(trainer.compute_loss(trainer.model, dict(inputs)).item())
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_packing_is_refused_where_a_row_would_see_the_one_before_it(tiny):
    model = sft.load_causal(tiny)
    sft.check_packing(model)

    class Blind(type(model)):
        """Loses the positions, as a model would that makes its mask without them."""

        def forward(self, *args, position_ids=None, **more):
            return super().forward(*args, **more)

    model.__class__ = Blind
    with pytest.raises(TrainError, match="packing is refused: in Blind a packed row sees"):
        sft.check_packing(model)


def test_packing_trains_and_is_told_of_where_much_is_padding(tiny, tmp_path):
    data = write_dataset(tmp_path / "d", "sft", train=uneven(12), dev=uneven(3))
    plain = sft.train(make_task("sft", data, tiny, tmp_path / "a", config(num_train_epochs=2)))
    assert plain.metrics["padding_share"] > 0.3
    assert "of what was computed was padding; `packing` leaves it out" in plain.notes[0]
    asked = config(num_train_epochs=2, packing=True, max_length=512, per_device_train_batch_size=1)
    packed = sft.train(make_task("sft", data, tiny, tmp_path / "b", asked))
    assert packed.steps < plain.steps
    assert packed.metrics["padding_share"] == 0
    assert not packed.notes


def test_padding_is_counted_over_whole_batches():
    assert sft.padding_share([4, 4, 4, 4], 2) == 0
    assert sft.padding_share([1, 3], 2) == pytest.approx(1 / 3)
    assert sft.padding_share([], 2) == 0


def test_the_adapter_is_kept_beside_the_merged_model(tiny, data, tmp_path):
    from peft import PeftModel

    asked = config(max_steps=4, lora=LoraSetting(r=4))
    sft.train(make_task("sft", data, tiny, tmp_path / "o", asked))
    alone = PeftModel.from_pretrained(sft.load_causal(tiny), tmp_path / "o" / "adapter")
    merged = alone.merge_and_unload().state_dict()
    saved = load_file(tmp_path / "o" / "model.safetensors")
    assert max((merged[name] - saved[name]).abs().max() for name in saved) < 1e-6
    assert checkpoints.is_complete(tmp_path / "o")


def test_the_first_batch_is_shown_with_what_the_loss_counts(tiny, data, tmp_path):
    sft.train(make_task("sft", data, tiny, tmp_path / "o", config(max_steps=2)))
    rows = Watch(tmp_path / "o").read("first_batch")["rows"]
    assert len(rows) == 4
    (asked, no), (said, yes) = rows[0]["pieces"]
    assert (no, yes) == (False, True)
    assert asked.startswith("<|im_start|>user\nHow do I make tea")
    assert asked.endswith("<|im_start|>assistant\n")
    assert said == "Boil water, add the leaves and wait.<|im_end|>\n"
    assert rows[0]["tokens"] > rows[0]["learned_tokens"] > 5


def test_packed_rows_are_shown_one_by_one(tiny, tmp_path):
    data = write_dataset(tmp_path / "d", "sft", train=uneven(9))
    asked = config(max_steps=1, packing=True, max_length=512, per_device_train_batch_size=1)
    sft.train(make_task("sft", data, tiny, tmp_path / "o", asked))
    rows = Watch(tmp_path / "o").read("first_batch")["rows"]
    assert len(rows) > 1
    assert all(row["pieces"][0][0].startswith("<|im_start|>user\n") for row in rows)


def test_the_best_and_worst_dev_rows_are_told(tiny, tmp_path):
    odd = {"prompt": turn("user", "Why?"), "completion": turn("assistant", "zq#x!! 7%&")}
    data = write_dataset(tmp_path / "d", "sft", train=sft_rows(16), dev=[*sft_rows(5, 50), odd])
    sft.train(make_task("sft", data, tiny, tmp_path / "o", config(num_train_epochs=3)))
    ends = Watch(tmp_path / "o").read("ends")
    assert ends["n"] == 6
    assert ends["worst"][0]["completion"] == odd["completion"]
    assert ends["best"][0]["value"] < ends["worst"][0]["value"]
    assert len(ends["best"]) == len(ends["worst"]) == 3


def test_a_row_s_loss_is_that_of_the_row_alone(tiny, data, tmp_path):
    trainer = trainer_of(tiny, data, tmp_path / "o")
    made = list(trainer.made_of(uneven(5)))
    losses = sft._row_losses(trainer, made)
    for row, loss in zip(made, losses, strict=True):
        ids, labels = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
        alone = trainer.model(input_ids=ids, labels=labels).loss.item()
        assert alone == pytest.approx(loss, abs=1e-5)


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
