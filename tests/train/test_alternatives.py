"""DPO, RLOO and GRPO through TRL's own trainers, with tiny models."""

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from cai_core.errors import Stopped, TrainError
from cai_core.schema import Hooks
from cai_core.train import alternatives, reward
from cai_core.train.card import Run
from cai_core.train.configs import (
    DpoConfig,
    GrpoConfig,
    LoraSetting,
    RewardConfig,
    RlooConfig,
    load_config,
)
from cai_core.train.leaning import Leaning
from cai_core.train.watch.records import Watch
from tests.train.conftest import (
    Recorder,
    make_task,
    preference_rows,
    prompt_rows,
    turn,
    write_dataset,
)

SMALL = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 1}
ONLINE = SMALL | {"learning_rate": 1e-2, "max_completion_length": 6, "num_generations": 2}
KINDS = {"rloo": RlooConfig, "grpo": GrpoConfig}


class Killed(BaseException):
    """As a kill: nothing in the code waits for it."""


def weights(out):
    return load_file(out / "model.safetensors")


def furthest(one, other):
    return max((one[name] - other[name]).abs().max().item() for name in one)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    return write_dataset(
        folder,
        "preference",
        train=preference_rows(16, p=0.8),
        dev=preference_rows(4, 50, p=0.8),
        test=preference_rows(4, 70, p=0.8),
    )


@pytest.fixture(scope="module")
def prompts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prompts")
    return write_dataset(folder, "prompts", train=prompt_rows(8), dev=prompt_rows(3, 50))


def likes_short(chats, answers):
    return [-len(answer) / 10 for answer in answers]


def likes_letters(chats, answers):
    """A reward that can be learned in a few steps: the share of letters."""
    return [sum(c.isascii() and c.isalpha() for c in a) / max(1, len(a)) for a in answers]


def test_dpo_learns_the_direction_of_the_labels(tiny, pairs, tmp_path):
    seen = Recorder()
    asked = DpoConfig(**SMALL, learning_rate=1e-3, num_train_epochs=4, eval_steps=4)
    task = make_task("dpo", pairs, tiny, tmp_path / "o", asked, base_model="m", hooks=seen.hooks)
    run = alternatives.train_on_pairs(task)
    assert seen.curve("loss")[0] == pytest.approx(0.6931, abs=1e-3)  # the policy is its reference
    assert seen.curve("loss")[-1] < 0.55
    assert run.metrics["eval_rewards/accuracies"] == run.metrics["test_rewards/accuracies"] == 1
    assert run.metrics["mean_doubt"] == pytest.approx(0.2)
    assert "a mean doubt of 0.20 (1 - p) is not learned" in run.notes[0]
    assert (run.method, Run.read(tmp_path / "o").base_model) == ("dpo", "m")
    assert "Policy trained by DPO" in (tmp_path / "o" / "README.md").read_text()
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "o").num_parameters() > 0


def test_dpo_shows_both_sides_and_its_best_and_worst_pairs(tiny, pairs, tmp_path):
    asked = DpoConfig(**SMALL, max_steps=1)
    alternatives.train_on_pairs(make_task("dpo", pairs, tiny, tmp_path / "o", asked))
    watch = Watch(tmp_path / "o")
    rows = watch.read("first_batch")["rows"]
    assert [row["side"] for row in rows[:4]] == ["chosen", "rejected"] * 2
    assert [rows[i]["pieces"][1] for i in (0, 1)] == [
        ["yes yes good<|im_end|>\n", True],
        ["no no bad<|im_end|>\n", True],
    ]
    assert watch.read("ends")["n"] == 4


def test_dpo_turns_pairs_and_leaves_ties_out(tiny, tmp_path):
    rows = preference_rows(8, p=0.9)
    for row, p in zip(rows, (0.9, 0.5, 0.1, 0.55), strict=False):
        row["p_chosen"] = p
    rows[4]["weight"] = 0.0
    rows[5]["weight"] = 2.0
    data = write_dataset(tmp_path / "d", "preference", train=rows)
    asked = DpoConfig(**SMALL, max_steps=1, least_lean=0.1)
    run = alternatives.train_on_pairs(make_task("dpo", data, tiny, tmp_path / "o", asked))
    assert (run.metrics["ties"], run.metrics["weightless_pairs"]) == (2, 1)
    assert "2 pairs lean to no side and were left out" in run.notes
    assert "weights other than 0 are not used" in run.notes


def test_dpo_counts_pairs_that_are_cut_or_do_not_fit(tiny, tmp_path):
    rows = preference_rows(6)
    rows[0]["prompt"] = turn("user", "x " * 80)
    rows[1]["rejected"] = turn("assistant", "x " * 80)
    data = write_dataset(tmp_path / "d", "preference", train=rows)
    asked = DpoConfig(**SMALL, max_steps=1, max_length=64)
    run = alternatives.train_on_pairs(make_task("dpo", data, tiny, tmp_path / "o", asked))
    assert (run.metrics["dropped_pairs"], run.metrics["cut_pairs"]) == (1, 1)
    none = write_dataset(tmp_path / "n", "preference", train=rows[:1])
    with pytest.raises(TrainError, match="no prompt leaves room for its answers"):
        alternatives.train_on_pairs(make_task("dpo", none, tiny, tmp_path / "p", asked))


def test_dpo_without_a_leaning_pair_is_refused(tiny, tmp_path):
    data = write_dataset(tmp_path / "d", "preference", train=preference_rows(4, p=0.5))
    with pytest.raises(TrainError, match="none of the 4 pairs leans to a side"):
        alternatives.train_on_pairs(make_task("dpo", data, tiny, tmp_path / "o", DpoConfig()))


def test_robust_dpo_takes_the_doubt_of_the_labels(tiny, pairs, tmp_path):
    rows = make_task("dpo", pairs, tiny, tmp_path, DpoConfig()).data.train
    robust = make_task("dpo", pairs, tiny, tmp_path, DpoConfig(loss_type="robust"))
    assert alternatives._dpo_arguments(robust, Leaning.of(rows)).label_smoothing == pytest.approx(
        0.2
    )
    plain = make_task("dpo", pairs, tiny, tmp_path, DpoConfig())
    assert alternatives._dpo_arguments(plain, Leaning.of(rows)).label_smoothing == 0


@pytest.mark.parametrize("adapters", [None, LoraSetting(r=4)])
def test_dpo_killed_and_continued_is_as_if_not_killed(tiny, pairs, tmp_path, adapters):
    asked = DpoConfig(
        **SMALL, learning_rate=1e-3, max_steps=5, save_steps=2, eval_steps=2, lora=adapters
    )
    alternatives.train_on_pairs(make_task("dpo", pairs, tiny, tmp_path / "whole", asked))

    def metric(step, values):
        if step == 3:
            raise Killed

    with pytest.raises(Killed):
        alternatives.train_on_pairs(
            make_task("dpo", pairs, tiny, tmp_path / "o", asked, hooks=Hooks(metric=metric))
        )
    alternatives.train_on_pairs(make_task("dpo", pairs, tiny, tmp_path / "o", asked))
    assert furthest(weights(tmp_path / "whole"), weights(tmp_path / "o")) < 1e-6
    assert (tmp_path / "o" / "adapter").exists() == (adapters is not None)


@pytest.mark.parametrize("method", ["rloo", "grpo"])
def test_an_online_method_raises_its_reward_and_logs_its_kl(tiny, prompts, tmp_path, method):
    seen = Recorder()
    more = {"num_generations": 8, "per_device_train_batch_size": 32, "learning_rate": 4e-2}
    more |= {"missing_eos_penalty": None}
    asked = KINDS[method](**ONLINE | more, num_train_epochs=12, eval_steps=12)
    task = make_task(
        method, prompts, tiny, tmp_path / "o", asked, reward_model="run:r", hooks=seen.hooks
    )
    run = alternatives.train_online(task, reward=likes_letters)
    learned = seen.curve("reward")
    assert sum(learned[-4:]) / 4 > sum(learned[:4]) / 4 + 0.1
    assert run.metrics["eval_reward"] == seen.curve("eval_reward")[-1]
    kl, length = seen.curve("kl"), seen.curve("completions/mean_length")
    assert seen.curve("objective/kl") == pytest.approx(
        [a * b for a, b in zip(kl, length, strict=True)]
    )
    assert seen.curve("objective/scores") == pytest.approx(seen.curve("reward"))
    assert abs(kl[0]) < 1e-4  # the policy is its reference
    assert max(abs(value) for value in kl) > 1e-4
    assert "rewards/reward_model/mean" in seen.metrics[-2][1]
    assert (run.method, run.reward_model) == (method, "run:r")
    looks = Watch(tmp_path / "o").samples()
    assert [look["step"] for look in looks] == [0, 12, 24]
    assert [row["prompt"] for row in looks[0]["rows"]] == [
        row["prompt"] for row in prompt_rows(3, 50)
    ]
    first = Watch(tmp_path / "o").read("first_batch")["rows"]
    assert first[0]["pieces"][0][0].endswith("<|im_start|>assistant\n")
    assert [learned for _, learned in first[0]["pieces"]] == [False, True]


@pytest.mark.parametrize("method", ["rloo", "grpo"])
@pytest.mark.parametrize("adapters", [None, LoraSetting(r=4)])
def test_an_online_method_killed_and_continued_is_as_if_not_killed(
    tiny, prompts, tmp_path, method, adapters
):
    more = {"max_steps": 6, "save_steps": 2, "eval_steps": 3, "gradient_accumulation_steps": 2}
    asked = KINDS[method](**ONLINE | more, lora=adapters)
    whole = make_task(method, prompts, tiny, tmp_path / "whole", asked)
    alternatives.train_online(whole, reward=likes_short)

    def metric(step, values):
        if step == 5 and "loss" in values:
            raise Killed

    killed = make_task(method, prompts, tiny, tmp_path / "o", asked, hooks=Hooks(metric=metric))
    with pytest.raises(Killed):
        alternatives.train_online(killed, reward=likes_short)
    alternatives.train_online(
        make_task(method, prompts, tiny, tmp_path / "o", asked), reward=likes_short
    )
    assert furthest(weights(tmp_path / "whole"), weights(tmp_path / "o")) < 1e-5


def test_an_online_method_stops_within_a_step_and_says_so(tiny, prompts, tmp_path):
    asked = RlooConfig(**ONLINE, max_steps=6)
    task = make_task("rloo", prompts, tiny, tmp_path / "o", asked, hooks=Recorder(2).hooks)
    with pytest.raises(Stopped, match="stopped after step 2 of 6"):
        alternatives.train_online(task, reward=likes_short)


def test_a_reward_model_scores_through_its_own_template(tiny, prompts, pairs, tmp_path):
    judged = RewardConfig(**SMALL, max_steps=2)
    reward.train(make_task("reward", pairs, tiny, tmp_path / "rm", judged))
    asked = GrpoConfig(**ONLINE, max_steps=1, eval_steps=1, missing_eos_penalty=None)
    task = make_task("grpo", prompts, tiny, tmp_path / "o", asked)
    alternatives.train_online(task, reward=tmp_path / "rm")
    look = Watch(tmp_path / "o").samples()[-1]["rows"]
    chats = [[*row["prompt"], {"role": "assistant", "content": row["answer"]}] for row in look]
    again = reward.RewardModel.load(tmp_path / "rm").score(chats)
    assert [row["score"] for row in look] == pytest.approx(again, abs=1e-5)


def test_an_answer_that_does_not_end_costs_the_penalty():
    fn = alternatives._reward_model(lambda chats, texts: [1.0, 1.0], RlooConfig(), 2)
    asked = [turn("user", "Why?")] * 2
    said = [turn("assistant", "x")] * 2
    assert fn(asked, said, completion_ids=[[5, 2], [5, 6]]) == [1.0, 0.0]


def test_a_reward_that_is_no_number_is_refused(tiny, prompts, tmp_path):
    asked = RlooConfig(**ONLINE, max_steps=1, eval_steps=None)
    task = make_task("rloo", prompts, tiny, tmp_path / "o", asked)
    with pytest.raises(TrainError, match="it must give one number each"):
        alternatives.train_online(task, reward=lambda chats, texts: [float("nan")] * len(texts))


def test_too_few_prompts_for_one_step_are_refused(tiny, tmp_path):
    data = write_dataset(tmp_path / "d", "prompts", train=prompt_rows(3))
    task = make_task("rloo", data, tiny, tmp_path / "o", RlooConfig())
    with pytest.raises(
        TrainError, match=r"a step takes 8 prompts .16 answers, 2 to each., and there"
    ):
        alternatives.train_online(task, reward=likes_short)


def test_broken_groups_are_refused_by_a_sentence():
    with pytest.raises(TrainError, match=r"16 answers a step .* are not whole groups of 5"):
        load_config(GrpoConfig, None, ["num_generations=5"])


def test_looking_at_dev_prompts_takes_no_random_number_of_the_training(tiny, prompts, tmp_path):
    found = []
    for name, every in (("a", 1), ("b", None)):
        asked = RlooConfig(**ONLINE, max_steps=3, eval_steps=every)
        task = make_task("rloo", prompts, tiny, tmp_path / name, asked)
        alternatives.train_online(task, reward=likes_short)
        found.append(weights(tmp_path / name))
    assert furthest(*found) == 0
    assert torch.isfinite(next(iter(found[0].values()))).all()
