"""`train sft|reward|ppo` from files to a model folder."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.jobs import folder
from tests.tiny import save_tiny_model
from tests.train.conftest import preference_rows, prompt_rows, sft_rows, write_dataset

FEW = ("--set", "max_steps=2", "--set", "learning_rate=1e-3")


@pytest.fixture(autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"))


def run(*arguments):
    return CliRunner().invoke(main, ["train", *map(str, arguments)])


@pytest.fixture
def sft_data(tmp_path):
    return write_dataset(tmp_path / "sft-data", "sft", train=sft_rows(8))


@pytest.fixture(scope="module")
def judge(tiny, tmp_path_factory):
    place = tmp_path_factory.mktemp("judge")
    data = write_dataset(place / "data", "preference", train=preference_rows(8))
    done = run("reward", "--data", data, "--model", tiny, "--out", place / "out", *FEW)
    assert done.exit_code == 0, done.output
    return place / "out"


def record(out):
    return json.loads((out / "run.json").read_text())


def test_sft_makes_a_model_folder(tiny, sft_data, tmp_path):
    out = tmp_path / "out"
    done = run("sft", "--data", sft_data, "--model", tiny, "--out", out, *FEW, "--seed", 5)
    assert done.exit_code == 0, done.output
    assert f"{out}: sft, 2 steps" in done.stdout
    assert (record(out)["seed"], record(out)["base_model"]) == (5, f"path:{tiny}")


def test_json_is_all_that_stands_on_stdout(tiny, sft_data, tmp_path):
    done = run("sft", "--data", sft_data, "--model", tiny, "--out", tmp_path / "o", *FEW, "--json")
    row = json.loads(done.stdout)
    assert (row["steps"], row["out"]) == (2, str(tmp_path / "o"))
    assert row["metrics"]["loss"] > 0


def test_a_finished_training_has_nothing_left_to_do(tiny, sft_data, tmp_path):
    command = ("sft", "--data", sft_data, "--model", tiny, "--out", tmp_path / "o", *FEW)
    run(*command)
    before = (tmp_path / "o" / "run.json").stat().st_mtime_ns
    assert run(*command).exit_code == 0
    assert (tmp_path / "o" / "run.json").stat().st_mtime_ns == before
    other = run(*command, "--set", "max_length=99")
    assert other.exit_code == 1
    assert "config.max_length was 1024 and is now 99" in other.stderr


def test_ppo_learns_from_a_reward_model(tiny, judge, tmp_path):
    data = write_dataset(tmp_path / "d", "prompts", train=prompt_rows(4))
    sets = ("per_device_train_batch_size=2", "gradient_accumulation_steps=1", "response_length=4")
    chosen = [part for text in sets for part in ("--set", text)]
    command = ("ppo", "--data", data, "--model", tiny, "--out", tmp_path / "o", *chosen)
    done = run(*command, "--reward-model", judge)
    assert done.exit_code == 0, done.output
    assert record(tmp_path / "o")["reward_model"] == f"path:{judge}"
    assert record(tmp_path / "o")["steps"] == 8


def test_the_configuration_file_is_read_and_overridden(tiny, sft_data, tmp_path):
    (tmp_path / "c.yaml").write_text("max_steps: 9\nlearning_rate: 0.001\nseed: 4\n")
    done = run(
        *("sft", "--data", sft_data, "--model", tiny, "--out", tmp_path / "o"),
        *("--config", tmp_path / "c.yaml", "--set", "max_steps=1"),
    )
    assert done.exit_code == 0, done.output
    config = record(tmp_path / "o")["config"]
    assert (config["max_steps"], config["learning_rate"], config["seed"]) == (1, 0.001, 4)


def test_a_job_is_told_numbers_progress_and_the_end(tiny, sft_data, tmp_path):
    job = tmp_path / "job"
    folder.create(job, {}, {})
    command = ("sft", "--data", sft_data, "--model", tiny, "--out", job / "out", *FEW)
    done = run(*command, "--job", job)
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (job / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in lines if "loss" in row["values"]] == [1, 2]
    progress = folder.read_progress(job)
    assert progress is not None
    assert (progress.done, progress.total) == (2, 2)
    end = folder.read_end(job)
    assert end is not None
    assert (end.state, end.result["steps"]) == ("succeeded", 2)


def test_a_job_that_is_asked_to_stop_keeps_a_checkpoint_and_goes_on(tiny, sft_data, tmp_path):
    job = tmp_path / "job"
    folder.create(job, {}, {})
    folder.stop(job)
    command = ("sft", "--data", sft_data, "--model", tiny, "--out", job / "out", *FEW)
    assert run(*command, "--job", job).exit_code == 1
    end = folder.read_end(job)
    assert end is not None
    assert end.state == "cancelled"
    assert (job / "out" / "checkpoints" / "checkpoint-1" / "COMPLETE").exists()
    folder.reset(job)
    assert run(*command, "--job", job).exit_code == 0
    assert record(job / "out")["steps"] == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--data": "nowhere"}, "there is no dataset at nowhere"),
        ({"--model": "nonsense"}, "'nonsense' is no model id and no folder"),
        ({"--model": "endpoint:a/b"}, "is an endpoint; a model on this machine is needed"),
        ({"--set": "learning_rate=-1"}, "'learning_rate': Input should be greater than 0"),
        ({"--config": "nowhere.yaml"}, "nowhere.yaml cannot be read"),
    ],
)
def test_what_is_wrong_is_one_sentence(tiny, sft_data, tmp_path, change, sentence):
    options = {"--data": sft_data, "--model": tiny, "--out": tmp_path / "o"} | change
    done = run("sft", *[part for pair in options.items() for part in pair])
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert not (tmp_path / "o").exists()


def test_a_folder_without_safetensors_and_a_policy_as_reward_model_are_refused(
    tiny, sft_data, tmp_path
):
    (tmp_path / "empty").mkdir()
    done = run("sft", "--data", sft_data, "--model", tmp_path / "empty", "--out", tmp_path / "o")
    assert "holds no *.safetensors file" in done.stderr
    data = write_dataset(tmp_path / "d", "prompts", train=prompt_rows(4))
    command = ("ppo", "--data", data, "--model", tiny, "--out", tmp_path / "o")
    done = run(*command, "--reward-model", tiny)
    assert "its weights have no trained head" in done.stderr
    assert not (tmp_path / "o").exists()


def test_damaged_weights_are_told_by_a_sentence(tiny, sft_data, tmp_path):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(tiny, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    done = run("sft", "--data", sft_data, "--model", broken, "--out", tmp_path / "o", *FEW)
    assert done.exit_code == 1
    assert f"the model in {broken} cannot be loaded" in done.stderr
