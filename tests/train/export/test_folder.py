"""What stands in an export, and that every option in it is one of the other project's."""

import json
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cai_core.errors import TrainError
from cai_core.schema import chat_from_row
from cai_core.train.configs import LoraSetting, PpoConfig, RewardConfig, SftConfig
from cai_core.train.export import folder
from cai_core.train.export.material import Configs, Material
from cai_core.train.rows import TrainingData
from tests.train.conftest import preference_rows, prompt_rows, sft_rows, write_dataset

NAMES = json.loads((Path(__file__).parent / "names.json").read_text())
FULL = Configs(
    SftConfig(
        packing=True, lora=LoraSetting(), warmup_steps=0.1, gradient_checkpointing=True, max_steps=9
    ),
    RewardConfig(lora=LoraSetting(), warmup_steps=5, gradient_checkpointing=True, eval_steps=None),
    PpoConfig(
        kl_target=6.0,
        total_episodes=100,
        num_value_warmup_batches=2,
        gradient_checkpointing=True,
        lr_scheduler_type="constant",
        warmup_steps=3,
    ),
)


@pytest.fixture
def data(tmp_path):
    kinds = {"sft": sft_rows, "preference": preference_rows, "prompts": prompt_rows}
    return {
        kind: TrainingData.load(
            write_dataset(tmp_path / kind, kind, train=made(5), dev=made(2)), kind
        )
        for kind, made in kinds.items()
    }


@pytest.fixture
def words(tmp_path):
    """Run a start script where its launchers only say what they were called with."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ("deepspeed", "ray", "torchrun", "python3"):
        (bin_ / name).write_text(
            '#!/bin/bash\nprintf "%s\\n" "$0" "$@" "URL=${RATIFY_REWARD_URL:-}"\n'
        )
        (bin_ / name).chmod(0o755)

    def called(script, *more, **environment):
        environment["PATH"] = f"{bin_}:/usr/bin:/bin"
        done = subprocess.run([script, *more], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[1:]

    return called


@pytest.mark.parametrize("configs", [Configs(), FULL])
def test_every_option_is_one_of_openrlhfs(data, words, tmp_path, configs):
    out = tmp_path / "out"
    folder.write("openrlhf", Material("/m", data, "/r", "/r", configs), out)
    known = NAMES["openrlhf"]
    of = {"run_sft.sh": "train_sft", "run_reward.sh": "train_rm", "run_ppo.sh": "train_ppo_ray"}
    for script, command in of.items():
        given = words(out / script)
        module = next(i for i, word in enumerate(given) if word.startswith("openrlhf.cli."))
        assert given[module] == f"openrlhf.cli.{command}"
        options = [word for word in given[module + 1 :] if word.startswith("--")]
        assert set(options) <= set(known[command].split()), script
        assert len(options) == len(set(options)), script
        assert len(options) > 15


@pytest.mark.parametrize("configs", [Configs(), FULL])
def test_every_override_is_one_of_verls(data, words, tmp_path, configs):
    out = tmp_path / "out"
    kinds = {kind: data[kind] for kind in ("sft", "prompts")}
    folder.write("verl", Material("/m", kinds, "/r", "/r", configs), out)
    for script, names in (("run_sft.sh", "sft"), ("run_ppo.sh", "ppo")):
        given = [word for word in words(out / script) if "=" in word and "URL=" not in word]
        overrides = [word.partition("=")[0] for word in given]
        assert set(overrides) <= set(NAMES["verl"][names].split()), script
        assert len(overrides) == len(set(overrides)), script
        assert len(overrides) > 15


STRANGE = "/m o/$(touch x)'s"


@pytest.mark.parametrize(
    ("target", "model"),
    [("openrlhf", STRANGE), ("verl", f"actor_rollout_ref.model.path={STRANGE}")],
)
def test_scripts_run_with_strange_names_and_with_other_sizes(data, words, tmp_path, target, model):
    out = tmp_path / "o ut"
    kinds = {"prompts": data["prompts"]}
    folder.write(target, Material(STRANGE, kinds, reward_url="http://h/$x"), out)
    given = words(out / "run_ppo.sh", "--more", "a b", GPUS="2", NODES="3")
    assert model in given
    assert any(word.endswith("http://h/$x") for word in given)
    assert given[-3:-1] == ["--more", "a b"]
    assert any(
        word.endswith(f"{out}/data/prompts_train.{'parquet' if target == 'verl' else 'jsonl'}")
        for word in given
    )
    assert "96" in [word.rpartition("=")[2] for word in given]  # 4 rows, 4 passes, 6 GPUs
    assert not list(out.glob("x"))


def test_openrlhf_reads_conversations_and_labels_that_hold_the_turns(data, tmp_path):
    folder.write("openrlhf", Material("/m", data), tmp_path / "out")
    rows = {
        file.stem: [json.loads(line) for line in file.open()]
        for file in (tmp_path / "out" / "data").iterdir()
    }
    assert {name: len(found) for name, found in rows.items()} == {
        **{"sft_train": 5, "sft_dev": 2, "preference_train": 5, "preference_dev": 2},
        **{"prompts_train": 5, "prompts_dev": 2},
    }
    assert [turn["role"] for turn in rows["sft_train"][0]["messages"]] == ["user", "assistant"]
    assert rows["preference_train"][0]["rejected"][-1]["content"] == "no no bad"
    prompt = rows["prompts_train"][0]
    assert chat_from_row(json.loads(prompt["label"])) == chat_from_row(prompt["prompt"])


def test_verl_reads_parquet_with_the_turns_for_the_reward_function(data, tmp_path):
    folder.write("verl", Material("/m", {"prompts": data["prompts"]}), tmp_path / "out")
    row = pq.read_table(tmp_path / "out" / "data" / "prompts_train.parquet").to_pylist()[1]
    assert row["data_source"] == "ratify"
    assert row["prompt"] == [{"role": "user", "content": "Is it 1?"}]
    assert row["reward_model"] == {"style": "model", "ground_truth": ""}
    assert json.loads(row["extra_info"]["messages"]) == row["prompt"]
    assert row["extra_info"]["index"] == 1


def test_settings_are_carried_over_by_name_and_what_has_no_counterpart_is_told(
    data, words, tmp_path
):
    folder.write("openrlhf", Material("/m", data, configs=FULL), tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "For OpenRLHF 0.11.2" in text
    assert "| `kl_target` | `--algo.kl.target` | `0.1132` | nats a token there" in text
    assert "- `missing_eos_penalty`: " in text
    given = words(tmp_path / "out" / "run_ppo.sh")
    assert given[given.index("--algo.kl.init_coef") + 1] == "0.05"
    assert given[given.index("--rollout.max_new_tokens") + 1] == "53"
    assert given[given.index("--train.num_episodes") + 1] == "20"
    assert given[given.index("--rollout.batch_size") + 1] == "128"


def test_verl_has_no_trainer_for_a_reward_model_and_nothing_is_written(data, tmp_path):
    with pytest.raises(TrainError, match=r"verl 0\.9\.1 trains no reward model"):
        folder.write("verl", Material("/m", data), tmp_path / "out")
    with pytest.raises(TrainError, match="nothing to export"):
        folder.write("verl", Material("/m", {}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_left_alone(data, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(TrainError, match="is not empty"):
        folder.write("openrlhf", Material("/m", data), tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mine"]
