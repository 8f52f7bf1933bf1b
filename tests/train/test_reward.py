import math

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForSequenceClassification
from trl.trainer.reward_trainer import RewardTrainer

from cai_core.errors import Stopped, TrainError
from cai_core.schema import assistant, user
from cai_core.train import reward, reward_model, sft
from cai_core.train.card import Run
from cai_core.train.configs import LoraSetting, RewardConfig
from tests.train.conftest import (
    Recorder,
    make_task,
    preference_rows,
    sft_rows,
    turn,
    write_dataset,
)

FAST = {
    "learning_rate": 5e-3,
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 1,
    "center_rewards_coefficient": None,
}


def config(**more):
    return RewardConfig(**(FAST | more))


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reward")
    data = write_dataset(
        folder / "data",
        "preference",
        train=preference_rows(32),
        dev=preference_rows(6, 50),
        test=preference_rows(8, 70),
    )
    reward.train(make_task("reward", data, tiny, folder / "out", config(num_train_epochs=5)))
    return folder / "out"


def test_a_soft_label_is_reached_and_not_passed(tiny, tmp_path):
    data = write_dataset(tmp_path / "d", "preference", train=preference_rows(16, p=0.7))
    asked = config(num_train_epochs=60, learning_rate=3e-3)
    reward.train(make_task("reward", data, tiny, tmp_path / "o", asked))
    judge = reward.RewardModel.load(tmp_path / "o")
    good, bad = judge.raw(
        [[*turn("user", "Is it 3?"), *turn("assistant", a)] for a in ("yes yes good", "no no bad")]
    )
    assert 1 / (1 + math.exp(bad - good)) == pytest.approx(0.7, abs=0.02)


def test_the_loss_is_the_weighted_cross_entropy(tiny, tmp_path):
    rows = preference_rows(4)
    for row, p, weight in zip(rows, (1.0, 0.7, 0.5, 0.2), (1.0, 2.0, 0.0, 0.5), strict=True):
        row |= {"p_chosen": p, "weight": weight}
    data = write_dataset(tmp_path / "d", "preference", train=rows)
    task = make_task("reward", data, tiny, tmp_path / "o", config(per_device_train_batch_size=4))
    tokenizer = reward.loop.load_tokenizer(tiny)
    trainer = reward.SoftRewardTrainer(
        model=reward._with_head(tiny),
        args=reward._arguments(task),
        train_dataset=reward.sft.dataset(reward.tokenized(task.data.train, tokenizer)),
        processing_class=tokenizer,
        data_collator=reward.SoftCollator(tokenizer.pad_token_id),
    )
    batch = dict(next(iter(trainer.get_train_dataloader())))
    p, weight = batch["p_chosen"].clone(), batch["weight"].clone()
    assert sorted(p.tolist()) == pytest.approx([0.2, 0.5, 0.7, 1.0])
    scores = trainer.model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, 0]
    gap = scores[:4] - scores[4:]
    expected = (
        -(weight * (p * torch.sigmoid(gap).log() + (1 - p) * torch.sigmoid(-gap).log())).sum() / 3.5
    )
    assert trainer.compute_loss(trainer.model, batch).item() == pytest.approx(
        expected.item(), abs=1e-6
    )


def trained_by(trainer, steps):
    trainer.train()
    assert trainer.state.global_step == steps
    return {name: value.detach().clone() for name, value in trainer.model.state_dict().items()}


def farthest(one, other):
    """The largest change of a weight of the body; the head begins at random."""
    names = set(one) - {reward_model.HEAD}
    return max(float((one[name] - other[name]).abs().max()) for name in names)


def trainer_on(rows, tiny, tmp_path, kind=None, optim="adamw_torch", **more):
    data = write_dataset(tmp_path / "d", "preference", train=rows)
    task = make_task("reward", data, tiny, tmp_path / "o", config(**more))
    tokenizer = reward.loop.load_tokenizer(tiny)
    args = reward._arguments(task)
    args.optim = optim
    torch.manual_seed(0)
    collator = reward.SoftCollator(tokenizer.pad_token_id)
    return (kind or reward.SoftRewardTrainer)(
        model=reward._with_head(tiny),
        args=args,
        train_dataset=reward.sft.dataset(reward.tokenized(task.data.train, tokenizer)),
        processing_class=tokenizer,
        data_collator=collator if kind is None else None,
    )


def test_with_hard_labels_it_is_trls_trainer(tiny, tmp_path):
    """The same weights after four steps of two passes each, centering included."""
    rows = preference_rows(16, p=1.0)
    more = {"gradient_accumulation_steps": 2, "per_device_train_batch_size": 2}
    more |= {"center_rewards_coefficient": 0.01}
    ours = trained_by(trainer_on(rows, tiny, tmp_path, **more), 4)
    theirs = trained_by(trainer_on(rows, tiny, tmp_path, HardTrainer, **more), 4)
    assert farthest(ours, reward._with_head(tiny).state_dict()) > 1e-3
    assert farthest(ours, theirs) < 1e-6
    assert torch.allclose(ours[reward_model.HEAD], theirs[reward_model.HEAD], atol=1e-6, rtol=0)


class HardTrainer(RewardTrainer):
    """TRL's own, quiet."""

    _send_telemetry = sft.Quiet._send_telemetry
    create_model_card = sft.Quiet.create_model_card


def test_a_step_is_normalised_by_the_weights_of_all_its_passes(tiny, tmp_path):
    """Passes that weigh 5 and 0.5 together move the weights as one pass of all their pairs does."""
    rows = preference_rows(4)
    for row, p, weight in zip(rows, (1.0, 0.7, 0.5, 0.2), (3.0, 2.0, 0.5, 0.0), strict=True):
        row |= {"p_chosen": p, "weight": weight}
    options = {"lr_scheduler_type": "constant", "max_grad_norm": 0.0, "optim": "sgd"}
    one = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 1}
    many = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 4}
    together = trained_by(trainer_on(rows, tiny, tmp_path, **options, **one), 1)
    apart = trained_by(trainer_on(rows, tiny, tmp_path, **options, **many), 1)
    moved = farthest(together, reward._with_head(tiny).state_dict())
    assert farthest(together, apart) < 1e-4 * moved


def test_accuracy_stands_with_its_interval_and_by_source(trained):
    run = Run.read(trained)
    assert run.metrics["test_accuracy"]["n"] == 8
    assert run.metrics["test_accuracy"]["value"] == 1
    assert run.metrics["test_accuracy"]["low"] == pytest.approx(0.676, abs=1e-3)  # Wilson, 8 of 8
    assert (
        run.metrics["test_accuracy_helpful"]["n"] == run.metrics["test_accuracy_harmless"]["n"] == 4
    )
    assert "test_accuracy | 1.00 (0.68 to 1.00, n = 8)" in (trained / "README.md").read_text()


def test_scores_of_training_answers_have_mean_zero_and_deviation_one(trained):
    judge = reward.RewardModel.load(trained)
    rows = preference_rows(32)
    scores = judge.score(
        [row["prompt"] + row[side] for row in rows for side in ("chosen", "rejected")]
    )
    assert sum(scores) / len(scores) == pytest.approx(0, abs=1e-4)
    assert sum(s * s for s in scores) / len(scores) == pytest.approx(1, abs=1e-3)


def test_a_score_does_not_depend_on_what_it_is_scored_with(trained):
    chats = [
        (user("Is it 3?"), assistant("yes yes good")),
        (user("Is it?"), assistant("no " * 40)),
        (user("One"), assistant("two"), user("Three?"), assistant("")),
    ]
    together = reward_model.score(trained, chats)
    alone = [reward_model.score(trained, [chat])[0] for chat in chats]
    assert together == pytest.approx(alone, abs=1e-5)
    assert together[0] > together[1]


def test_scoring_renders_as_training_did(trained):
    """The tokens of a chat to score are those that TRL's trainer learned from."""
    from trl.data_utils import _tokenize

    judge = reward.RewardModel.load(trained)
    row = preference_rows(1)[0]
    chat = row["prompt"] + row["chosen"]
    ids = _tokenize(judge.tokenizer, chat)["input_ids"]
    assert judge.render(chat) == ids
    assert judge.tokenizer.decode(ids).endswith("good<|im_end|>\n")
    model = AutoModelForSequenceClassification.from_pretrained(trained)
    by_hand = model(torch.tensor([ids])).logits.item()
    assert judge.raw([chat])[0] == pytest.approx(by_hand, abs=1e-5)


def test_a_chat_that_does_not_end_in_an_answer_is_refused(trained):
    with pytest.raises(TrainError, match="end in an assistant turn"):
        reward_model.score(trained, [(user("Is it?"),)])


def test_a_model_without_a_trained_head_is_refused(tiny, trained, tmp_path):
    with pytest.raises(TrainError, match=r"no trained head \(score\.weight\)"):
        reward_model.score(tiny, [(user("Is it?"), assistant("yes"))])
    with pytest.raises(TrainError, match="holds no model in safetensors form"):
        reward_model.check(tmp_path)


def test_a_model_trained_by_another_method_is_refused(trained, tmp_path):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(trained, folder)
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace('"method": "reward"', '"method": "sft"'))
    with pytest.raises(TrainError, match="was trained by sft; it is not a reward model"):
        reward_model.check(folder)


def test_long_prompts_are_cut_and_long_answers_are_left_out_and_both_are_counted(tiny, tmp_path):
    rows = preference_rows(4)
    rows[0]["prompt"] = turn("user", "one two three " * 60 + "Is it 0?")
    rows[1]["rejected"] = turn("assistant", "no " * 200)
    data = write_dataset(tmp_path / "d", "preference", train=rows)
    run = reward.train(make_task("reward", data, tiny, tmp_path / "o", config(max_length=64)))
    assert (run.metrics["cut_pairs"], run.metrics["dropped_pairs"]) == (1, 1)
    assert run.notes == (
        "1 pairs were cut at the beginning of their prompts to fit max_length",
        "1 pairs were left out: their answers are longer than max_length",
    )
    with pytest.raises(TrainError, match="answers of all 4 pairs are longer than max_length = 8"):
        reward.train(make_task("reward", data, tiny, tmp_path / "p", config(max_length=8)))


def test_a_long_chat_is_scored_as_it_was_trained_on(trained, tiny, tmp_path):
    row = preference_rows(1)[0] | {"prompt": turn("user", "one two three " * 60 + "Is it 0?")}
    data = write_dataset(tmp_path / "d", "preference", train=[row])
    task = make_task("reward", data, tiny, tmp_path / "o", config(max_length=64))
    reward.train(task)
    judge = reward_model.RewardModel.load(tmp_path / "o")
    pairs = reward.FittingPairs.of(task.data.train, judge.tokenizer, 64)
    learned_from = reward.tokenized(pairs.rows, judge.tokenizer)[0]
    assert judge.render(row["prompt"] + row["chosen"]) == learned_from["chosen_ids"]
    assert judge.tokenizer.decode(learned_from["chosen_ids"]).startswith("<|im_start|>user\n")


def test_adapters_are_merged_and_the_head_is_kept(tiny, tmp_path):
    data = write_dataset(tmp_path / "d", "preference", train=preference_rows(16))
    asked = config(lora=LoraSetting(r=4), num_train_epochs=10)
    run = reward.train(make_task("reward", data, tiny, tmp_path / "o", asked))
    with safe_open(tmp_path / "o" / "model.safetensors", framework="pt") as weights:
        names = list(weights.keys())
    assert reward_model.HEAD in names
    assert not [name for name in names if "lora" in name]
    assert run.metrics["accuracy"] == 1
    good = reward_model.score(tmp_path / "o", [(user("Is it 1?"), assistant("yes yes good"))])
    bad = reward_model.score(tmp_path / "o", [(user("Is it 1?"), assistant("no no bad"))])
    assert good > bad


def test_stopped_training_goes_on(tiny, tmp_path):
    data = write_dataset(tmp_path / "d", "preference", train=preference_rows(32))
    whole = reward.train(make_task("reward", data, tiny, tmp_path / "whole", config()))
    with pytest.raises(Stopped):
        reward.train(
            make_task("reward", data, tiny, tmp_path / "o", config(), hooks=Recorder(2).hooks)
        )
    run = reward.train(make_task("reward", data, tiny, tmp_path / "o", config()))
    assert run.steps == whole.steps == 4
    assert run.metrics["loss"] == pytest.approx(whole.metrics["loss"], abs=1e-6)


def test_a_dataset_of_another_kind_is_refused(tiny, tmp_path):
    data = write_dataset(tmp_path / "d", "sft", train=sft_rows(2))
    with pytest.raises(TrainError, match="of kind sft, not preference"):
        make_task("reward", data, tiny, tmp_path / "o", config())


def test_dev_pairs_that_all_are_too_long_end_no_training(tiny, tmp_path):
    """They are left out of the looks, not taken for a fault of the training rows."""
    long = preference_rows(2)
    for row in long:
        row["chosen"][0]["content"] = "yes " * 200
    data = write_dataset(tmp_path / "d", "preference", train=preference_rows(8), dev=long)
    asked = RewardConfig(max_length=64, max_steps=1)
    run = reward.train(make_task("reward", data, tiny, tmp_path / "o", asked))
    assert run.steps == 1
