import dataclasses

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from cai_core.errors import Stopped, TrainError
from cai_core.schema import Hooks, assistant, chat_from_row, user
from cai_core.train import loop, ppo, reward, sft
from cai_core.train.configs import PpoConfig, RewardConfig
from cai_core.train.policy import rollouts, sampling, schedule
from cai_core.train.policy.actor_critic import ActorCritic
from cai_core.train.policy.logprobs import logprobs_of
from tests.bench import bench_ppo
from tests.train.conftest import (
    Recorder,
    make_task,
    preference_rows,
    prompt_rows,
    write_dataset,
)

FAST = {
    "learning_rate": 1e-3,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 1,
    "num_ppo_epochs": 2,
    "num_mini_batches": 2,
    "total_episodes": 24,
    "local_rollout_forward_batch_size": 3,
    "response_length": 8,
    "eval_steps": None,
}


def config(**more):
    return PpoConfig(**(FAST | more))


def count_letter(chats, answers):
    return [float(answer.count("a")) for answer in answers]


@pytest.fixture
def data(tmp_path):
    return write_dataset(
        tmp_path / "data", "prompts", train=prompt_rows(10), dev=prompt_rows(3, 50)
    )


@pytest.fixture(scope="module")
def judge(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judge")
    rows = preference_rows(32)
    data = write_dataset(folder / "data", "preference", train=rows)
    asked = RewardConfig(learning_rate=5e-3, num_train_epochs=5, gradient_accumulation_steps=1)
    reward.train(make_task("reward", data, tiny, folder / "out", asked))
    return folder / "out"


def trainer_of(tiny, data, tmp_path, asked, reward_fn=count_letter, judge=None):
    tokenizer = loop.load_tokenizer(tiny)
    policy = sft.load_causal(tiny)
    task = make_task("ppo", data, tiny, tmp_path / "o", asked)
    chats = [chat_from_row(row["prompt"]) for row in task.data.train]
    model = ActorCritic.build(policy, asked, tokenizer, judge)
    return ppo.PpoTrainer(model, task, chats, reward_fn, tokenizer)


def test_the_first_minibatch_has_a_ratio_of_one(tiny, data, tmp_path):
    seen = Recorder()
    asked = config(per_device_train_batch_size=2, gradient_accumulation_steps=2)
    ppo.train(
        make_task("ppo", data, tiny, tmp_path / "o", asked, hooks=seen.hooks), reward=count_letter
    )
    gaps = seen.curve("val/first_ratio_gap")
    assert len(gaps) == 2  # the first batch warms the value model up
    assert max(gaps) < 1e-4
    assert max(seen.curve("policy/approxkl_avg")) > 1e-7  # later minibatches do differ


def test_metrics_have_the_names_of_trl(tiny, data, tmp_path):
    seen = Recorder()
    task = make_task("ppo", data, tiny, tmp_path / "o", config(), hooks=seen.hooks)
    run = ppo.train(task, reward=count_letter)
    names = {"objective/kl", "objective/entropy", "objective/scores", "objective/rlhf_reward"}
    names |= {"policy/approxkl_avg", "policy/clipfrac_avg", "loss/policy_avg", "loss/value_avg"}
    names |= {"val/ratio", "eps", "val/explained_variance", "val/response_length", "loss"}
    warming, learning, *_ = [values for _, values in seen.metrics if "objective/kl" in values]
    assert names <= set(learning)
    assert "loss/value_avg" in warming
    assert "loss/policy_avg" not in warming
    assert run.steps == 12  # 24 episodes, 8 a batch, 2 passes of 2 minibatches
    assert seen.curve("episode") == [8, 16, 24]
    assert seen.curve("objective/kl")[0] == pytest.approx(0, abs=1e-4)
    assert run.metrics["eval_objective/scores"].n == 3


def test_the_result_is_the_policy_as_a_plain_model(tiny, data, tmp_path):
    ppo.train(make_task("ppo", data, tiny, tmp_path / "o", config()), reward=count_letter)
    names = {path.name for path in (tmp_path / "o").iterdir()}
    assert {"model.safetensors", "tokenizer.json", "run.json", "README.md"} <= names
    assert not {"value.safetensors", "checkpoints", "training_args.bin"} & names
    after, before = (load_file(p / "model.safetensors") for p in (tmp_path / "o", tiny))
    assert max((after[name] - before[name]).abs().max() for name in before) > 1e-4
    AutoModelForCausalLM.from_pretrained(tmp_path / "o")


def test_stopped_training_goes_on_to_the_same_weights(tiny, data, tmp_path):
    """Stopped between two rollout batches, where the buffer is empty anyway."""
    asked = config(kl_target=1.0, kl_horizon=10)
    ppo.train(make_task("ppo", data, tiny, tmp_path / "whole", asked), reward=count_letter)
    with pytest.raises(Stopped, match="step 8 of 12"):
        ppo.train(
            make_task("ppo", data, tiny, tmp_path / "o", asked, hooks=Recorder(14).hooks),
            reward=count_letter,
        )
    ppo.train(make_task("ppo", data, tiny, tmp_path / "o", asked), reward=count_letter)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "o"))
    assert max((one[name] - other[name]).abs().max() for name in one) < 1e-5


KINDS = {
    "separate": {},
    "shared": {"value_model": "shared"},
    "adapters": {"value_model": "adapters", "lora": {"r": 4}},
    "lora": {"lora": {"r": 4}},
}


def stop_at(step):
    """Hooks that stop after so many steps."""
    seen = Recorder()
    return dataclasses.replace(
        seen.hooks, should_stop=lambda: bool(seen.progress) and seen.progress[-1].done >= step
    )


class Killed(BaseException):
    """What no handler catches."""


def killed_at(step):
    def progress(told):
        if told.done >= step:
            raise Killed

    return Hooks(progress)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_or_stopped_anywhere_goes_on_as_if_it_was_not(tiny, data, tmp_path, kind):
    """Within a batch, at its end, killed behind a checkpoint; the meters are told alike too."""
    asked = config(kl_target=1.0, kl_horizon=10, save_steps=1, **KINDS[kind])
    told = {}
    for name, breaks in (
        ("whole", ()),
        ("o", (stop_at(2), killed_at(5), stop_at(8), killed_at(11))),
    ):
        for hooks in breaks:
            with pytest.raises((Stopped, Killed)):
                ppo.train(
                    make_task("ppo", data, tiny, tmp_path / name, asked, hooks=hooks),
                    reward=count_letter,
                )
        seen = Recorder()
        task = make_task("ppo", data, tiny, tmp_path / name, asked, hooks=seen.hooks)
        told[name] = ppo.train(task, reward=count_letter).metrics
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "o"))
    assert max((one[name] - other[name]).abs().max() for name in one) < 1e-6
    before = load_file(tiny / "model.safetensors")
    assert max((one[name] - before[name]).abs().max() for name in one) > 1e-5
    for name in ("objective/kl", "loss/value_avg", "policy/approxkl_avg", "objective/kl_coef"):
        assert told["o"][name] == pytest.approx(told["whole"][name], abs=1e-6), name


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_value_model_learns_from_a_ratio_of_one(tiny, data, tmp_path, kind):
    seen = Recorder()
    task = make_task("ppo", data, tiny, tmp_path / "o", config(**KINDS[kind]), hooks=seen.hooks)
    ppo.train(task, reward=count_letter)
    assert max(seen.curve("val/first_ratio_gap")) < 1e-4
    assert seen.curve("objective/kl")[0] == pytest.approx(0, abs=1e-4)
    assert max(seen.curve("policy/approxkl_avg")) > 0


def test_adapters_are_kept_beside_the_merged_policy(tiny, data, tmp_path):
    from peft import PeftModel

    asked = config(**KINDS["adapters"])
    ppo.train(make_task("ppo", data, tiny, tmp_path / "o", asked), reward=count_letter)
    merged = sft.load_causal(tmp_path / "o")
    with_adapter = PeftModel.from_pretrained(sft.load_causal(tiny), tmp_path / "o" / "adapter")
    ids = torch.tensor([[1, 87, 85, 30]])
    with torch.no_grad():
        one, other = merged(ids).logits, with_adapter(ids).logits
        start = sft.load_causal(tiny)(ids).logits
    assert (one - other).abs().max() < 1e-4
    assert (one - start).abs().max() > 1e-4


def test_adapters_need_lora_and_no_activation_checkpointing(tiny, data, tmp_path):
    with pytest.raises(ValueError, match="adapters needs lora"):
        config(value_model="adapters")
    asked = config(gradient_checkpointing=True, **KINDS["adapters"])
    with pytest.raises(TrainError, match="turn it off"):
        ppo.train(make_task("ppo", data, tiny, tmp_path / "o", asked), reward=count_letter)


def test_answers_that_did_not_end_are_left_out_where_that_is_asked(tiny, data, tmp_path):
    asked = config(mask_truncated_completions=True)
    trainer = trainer_of(tiny, data, tmp_path, asked)
    rollout = trainer._make_rollout(trainer.chats[:8], 0)
    ended = (rollout.response_ids == trainer.processing_class.eos_token_id).any(1)
    assert rollout.mask.sum(1).bool().tolist() == ended.tolist()


def test_a_stop_within_sampling_keeps_the_steps_done_so_far(tiny, data, tmp_path):
    # three questions while a batch is sampled, four at its steps; the ninth is in the second batch
    for attempt, done in ((Recorder(9), 4), (Recorder(2), 4)):
        with pytest.raises(Stopped, match=f"step {done} of 12"):
            ppo.train(
                make_task("ppo", data, tiny, tmp_path / "o", config(), hooks=attempt.hooks),
                reward=count_letter,
            )
    ppo.train(make_task("ppo", data, tiny, tmp_path / "o", config()), reward=count_letter)
    ppo.train(make_task("ppo", data, tiny, tmp_path / "whole", config()), reward=count_letter)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "o"))
    assert max((one[name] - other[name]).abs().max() for name in one) < 1e-5


def test_passes_that_are_accumulated_make_the_same_step(tiny, data, tmp_path):
    for name, size, passes in (("one", 8, 1), ("many", 2, 4)):
        asked = config(
            per_device_train_batch_size=size, gradient_accumulation_steps=passes, num_mini_batches=1
        )
        ppo.train(make_task("ppo", data, tiny, tmp_path / name, asked), reward=count_letter)
    one, many = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "many"))
    assert max((one[name] - many[name]).abs().max() for name in one) < 1e-5


def test_a_score_is_the_same_on_both_paths(tiny, data, tmp_path, judge):
    """What PPO gives a sampled answer is what `score` gives the conversation."""
    model = reward.RewardModel.load(judge)
    trainer = trainer_of(tiny, data, tmp_path, config(missing_eos_penalty=None))
    chats = trainer.chats[:5]
    with rollouts.seeded(1):
        answers = sampling.sample(
            trainer.model.policy, trainer.processing_class, chats, trainer.ppo
        )
    in_ppo = model.reward(chats, answers.texts)
    whole = [(*chat, assistant(text)) for chat, text in zip(chats, answers.texts, strict=True)]
    assert in_ppo == pytest.approx(model.score(whole), abs=1e-5)
    one_by_one = [(model.raw([chat])[0] - model.shift) / model.scale for chat in whole]
    assert in_ppo == pytest.approx(one_by_one, abs=1e-5)


def test_the_reward_model_is_read_to_the_newline_after_the_end_of_turn(judge):
    """A rollout ends at <|im_end|>; the reward model learned to score at the newline after it."""
    model = reward.RewardModel.load(judge)
    ids = model.render((user("Is it 1?"), assistant("yes")))
    assert model.tokenizer.decode(ids[-2:]) == "<|im_end|>\n"
    at_end = model.model(torch.tensor([ids[:-1]])).logits.item()
    assert model.raw([(user("Is it 1?"), assistant("yes"))])[0] != pytest.approx(at_end, abs=1e-5)


def test_the_value_model_starts_as_the_scaled_reward_model(tiny, judge):
    model = reward.RewardModel.load(judge)
    policy, tokenizer = sft.load_causal(tiny), loop.load_tokenizer(tiny)
    value = ActorCritic.build(policy, config(), tokenizer, model)
    chat = (user("Is it 1?"), assistant("yes"))
    ids = torch.tensor([[*model.render(chat), 0]])  # one more: values stand before each token
    ones = torch.ones_like(ids)
    answers = rollouts.Answers(
        *(ids[:, :-1], ones[:, :-1], ids[:, -1:], ones[:, -1:]), torch.tensor([True]), ("yes",)
    )
    found = value.values(answers).item()
    assert found == pytest.approx(model.score([chat])[0], abs=1e-5)


def test_ppo_runs_against_a_reward_model(tiny, data, tmp_path, judge):
    seen = Recorder()
    task = make_task("ppo", data, tiny, tmp_path / "o", config(), hooks=seen.hooks)
    ppo.train(task, reward=judge)
    assert len(seen.curve("objective/scores")) == 3
    with pytest.raises(TrainError, match="no trained head"):
        ppo.train(make_task("ppo", data, tiny, tmp_path / "p", config()), reward=tiny)


def test_an_answer_that_does_not_end_costs_the_penalty(tiny, data, tmp_path):
    trainer = trainer_of(tiny, data, tmp_path, config(missing_eos_penalty=0.75))
    with rollouts.seeded(1):
        answers = sampling.sample(
            trainer.model.policy, trainer.processing_class, trainer.chats[:3], trainer.ppo
        )
    answers = dataclasses.replace(answers, ended=torch.tensor([True, False, True]))
    plain = count_letter(trainer.chats[:3], answers.texts)
    scores = trainer.scores(trainer.chats[:3], answers).tolist()
    assert [a - b for a, b in zip(plain, scores, strict=True)] == [0, 0.75, 0]


def test_sampling_leaves_every_token_in_whatever_the_model_was_shipped_with(tiny, tmp_path):
    """transformers would fill top_k from the model's own generation settings."""
    policy, tokenizer = sft.load_causal(tiny), loop.load_tokenizer(tiny)
    policy.generation_config = GenerationConfig(top_k=1, do_sample=True, eos_token_id=2)
    chats = [(user("Is it?"),)] * 40
    with rollouts.seeded(0):
        answers = sampling.sample(policy, tokenizer, chats, config())
    assert len(set(answers.response_ids[:, 0].tolist())) > 20
    assert policy.generation_config.top_k == 1


def test_log_probabilities_are_those_of_the_sampling_distribution(tiny):
    """The share of each first token among many samples is its probability."""
    policy, tokenizer = sft.load_causal(tiny), loop.load_tokenizer(tiny)
    with torch.no_grad():
        policy.lm_head.weight.mul_(20)  # a peaked distribution
    asked = config(response_length=1, temperature=0.5, local_rollout_forward_batch_size=2000)
    with rollouts.seeded(0):
        answers = sampling.sample(policy, tokenizer, [(user("Is it?"),)] * 2000, asked)
    logprobs, _ = logprobs_of(policy, answers, asked.temperature)
    first = answers.response_ids[:, 0]
    token = first.mode().values
    probability = logprobs[first == token][0].exp().item()
    assert (first == token).float().mean().item() == pytest.approx(probability, abs=0.035)


def test_an_answer_ends_with_its_end_of_turn_and_padding_does_not_count(tiny):
    policy, tokenizer = sft.load_causal(tiny), loop.load_tokenizer(tiny)
    asked = config(response_length=30, local_rollout_forward_batch_size=8)
    with torch.no_grad():  # a model that often ends its turn
        hidden = policy.model.embed_tokens.weight
        hidden[tokenizer.eos_token_id] = hidden.mean(0) * 3
    with rollouts.seeded(0):
        answers = sampling.sample(policy, tokenizer, [(user("Is it?"),)] * 64, asked)
    for ids, mask, ended in zip(answers.response_ids, answers.mask, answers.ended, strict=True):
        length = int(mask.sum())
        assert mask.tolist() == [1] * length + [0] * (len(mask) - length)
        assert (ids[length - 1] == tokenizer.eos_token_id) == ended
        assert ended or length == len(mask)


def test_prompts_that_are_too_long_are_left_out_and_counted(tiny, tmp_path):
    rows = prompt_rows(4)
    rows[2]["prompt"][0]["content"] = "x " * 100
    data = write_dataset(tmp_path / "d", "prompts", train=rows)
    asked = config(max_prompt_length=40, total_episodes=8)
    run = ppo.train(make_task("ppo", data, tiny, tmp_path / "o", asked), reward=count_letter)
    assert run.notes == ("1 prompts were longer than max_prompt_length and left out",)
    with pytest.raises(TrainError, match="all 4 prompts are longer"):
        ppo.train(
            make_task("ppo", data, tiny, tmp_path / "p", config(max_prompt_length=2)),
            reward=count_letter,
        )


def test_a_reward_that_is_not_a_number_is_an_error(tiny, data, tmp_path):
    with pytest.raises(TrainError, match="the reward gave"):
        ppo.train(
            make_task("ppo", data, tiny, tmp_path / "o", config()),
            reward=lambda chats, answers: [float("nan")] * len(answers),
        )


@pytest.mark.parametrize("kind", ["separate", "shared"])
def test_a_warming_batch_teaches_the_values_and_leaves_the_policy_alone(tiny, data, tmp_path, kind):
    """Stopped after the first of two batches, the policy is as it was."""
    asked = config(total_episodes=16, num_value_warmup_batches=1, value_model=kind, save_steps=4)
    with pytest.raises(Stopped, match="step 4 of 8"):
        ppo.train(
            make_task("ppo", data, tiny, tmp_path / "o", asked, hooks=stop_at(4)),
            reward=count_letter,
        )
    there = tmp_path / "o" / "checkpoints" / "checkpoint-4"
    after, before = (load_file(p / "model.safetensors") for p in (there, tiny))
    assert max((after[name] - before[name]).abs().max() for name in before) == 0
    assert load_file(there / "learned.safetensors")["head.weight"].abs().max() > 0


def test_the_last_batch_never_warms_up(tiny, data, tmp_path):
    asked = config(total_episodes=8, num_value_warmup_batches=3)
    ppo.train(make_task("ppo", data, tiny, tmp_path / "o", asked), reward=count_letter)
    after, before = (load_file(p / "model.safetensors") for p in (tmp_path / "o", tiny))
    assert max((after[name] - before[name]).abs().max() for name in before) > 1e-4


def test_log_probabilities_do_not_depend_on_the_padding_of_the_prompt(tiny):
    policy, tokenizer = sft.load_causal(tiny), loop.load_tokenizer(tiny)
    chats = [(user("Is it?"),), (user("Is it " + "very " * 20 + "good?"),)]
    with rollouts.seeded(0):
        both = sampling.sample(policy, tokenizer, chats, config())
    padding = int((both.query_mask[0] == 0).sum())
    assert padding > 10
    alone = rollouts.Answers(
        *(getattr(both, name)[:1, padding:] for name in ("query_ids", "query_mask")),
        *(getattr(both, name)[:1] for name in ("response_ids", "mask", "ended", "texts")),
    )
    together, _ = logprobs_of(policy, both, 1.0)
    single, _ = logprobs_of(policy, alone, 1.0)
    assert (together[:1] - single).abs().max() < 1e-5


def test_every_batch_is_sampled_anew_and_each_again_alike(tiny, data, tmp_path):
    trainer = trainer_of(tiny, data, tmp_path, config())
    first, again, second = (
        trainer._make_rollout(trainer.chats[:4], number).response_ids for number in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_every_prompt_comes_up_once_a_pass():
    episodes = schedule.Episodes(5, 12, seed=3)
    order = [episodes[i] for i in range(12)]
    assert sorted(order[:5]) == sorted(order[5:10]) == [0, 1, 2, 3, 4]
    assert order[:5] != order[5:10]
    assert list(schedule.Repeats(4, size=2, times=2)) == [0, 1, 0, 1, 2, 3, 2, 3]


def test_ppo_learns_to_write_a_word(tmp_path):
    learned = bench_ppo.learn(0, tmp_path)
    assert learned.learned, learned
    assert learned.first_ratio_gap < 1e-4


def test_the_tokenizer_of_the_result_pads_with_another_token_than_it_ends(tiny, data, tmp_path):
    ppo.train(make_task("ppo", data, tiny, tmp_path / "o", config()), reward=count_letter)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "o")
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
