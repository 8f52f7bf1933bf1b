"""`train dpo|rloo|grpo` from files to a model folder."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from tests.tiny import save_tiny_model
from tests.train.conftest import preference_rows, prompt_rows, write_dataset

FEW = ("max_steps=1", "per_device_train_batch_size=4", "gradient_accumulation_steps=1")


@pytest.fixture(autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    return write_dataset(folder, "preference", train=preference_rows(8))


def run(*arguments, sets=()):
    chosen = [part for text in (*FEW, *sets) for part in ("--set", text)]
    return CliRunner().invoke(main, ["train", *map(str, arguments), *chosen])


def record(out):
    return json.loads((out / "run.json").read_text())


def test_dpo_makes_a_model_folder_and_says_what_it_cannot_learn(tiny, pairs, tmp_path):
    done = run("dpo", "--data", pairs, "--model", tiny, "--out", tmp_path / "o")
    assert done.exit_code == 0, done.output
    assert f"{tmp_path / 'o'}: dpo, 1 steps" in done.stdout
    assert "a mean doubt of 0.10 (1 - p) is not learned" in done.stdout
    assert record(tmp_path / "o")["base_model"] == f"path:{tiny}"


def test_rloo_and_grpo_learn_from_a_reward_model(tiny, pairs, tmp_path):
    judge = tmp_path / "judge"
    done = run("reward", "--data", pairs, "--model", tiny, "--out", judge)
    assert done.exit_code == 0, done.output
    data = write_dataset(tmp_path / "d", "prompts", train=prompt_rows(4))
    short = ("max_completion_length=4", "num_generations=2")
    for method in ("rloo", "grpo"):
        command = (method, "--data", data, "--model", tiny, "--out", tmp_path / method)
        done = run(*command, "--reward-model", judge, sets=short)
        assert done.exit_code == 0, done.output
        found = record(tmp_path / method)
        assert (found["method"], found["reward_model"]) == (method, f"path:{judge}")


def test_an_online_method_needs_a_reward_model(tiny, tmp_path):
    data = write_dataset(tmp_path / "d", "prompts", train=prompt_rows(4))
    assert run("grpo", "--data", data, "--model", tiny, "--out", tmp_path / "o").exit_code == 2
    command = ("grpo", "--data", data, "--model", tiny, "--out", tmp_path / "o")
    done = run(*command, "--reward-model", tiny, sets=("num_generations=2",))
    assert done.exit_code == 1
    assert "is not a reward model" in done.stderr
    assert not (tmp_path / "o").exists()
