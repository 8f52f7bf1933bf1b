from pathlib import Path

import pytest

from cai_core.errors import TrainError
from cai_core.train.configs import (
    CONFIGS,
    ChainConfig,
    PpoConfig,
    RewardConfig,
    SftConfig,
    load_config,
)

CHAIN = ("data=d", "prompts=p", "constitution=c")


def test_defaults_are_those_of_the_recipe():
    assert SftConfig().max_length == 1024
    assert (RewardConfig().learning_rate, RewardConfig().num_train_epochs) == (1e-5, 1)
    assert (PpoConfig().learning_rate, PpoConfig().kl_coef) == (1e-6, 0.05)
    assert load_config(ChainConfig, None, CHAIN).sampling.temperature == 0.8


def test_every_field_says_what_it_is():
    for kind in CONFIGS.values():
        for name, field in kind.model_fields.items():
            assert field.description, name


def test_overrides_win_over_the_file_and_reach_into_groups(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("learning_rate: 0.001\nmax_length: 64\nlora: {r: 4}\n")
    config = load_config(SftConfig, file, ["learning_rate=1e-4", "lora.lora_alpha=8"])
    assert (config.learning_rate, config.max_length) == (1e-4, 64)
    assert config.lora is not None
    assert (config.lora.r, config.lora.lora_alpha) == (4, 8)


def test_a_group_is_emptied_with_null():
    assert load_config(SftConfig, None, ["lora=null", "bf16=false"]).bf16 is False


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["learning_rate=0"], "'learning_rate': Input should be greater than 0"),
        (["learning_rate"], "is not of the form key=value"),
        (["epochs=2"], "'epochs': Extra inputs are not permitted"),
        (["lora=3", "lora.r=4"], "'lora' is not a group"),
        (["max_length=[1"], "cannot be read as YAML"),
    ],
)
def test_a_wrong_override_is_refused_by_a_sentence(overrides, sentence):
    with pytest.raises(TrainError, match=sentence):
        load_config(SftConfig, None, overrides)


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(TrainError, match=r"none\.yaml cannot be read"):
        load_config(SftConfig, tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    for text in ("a: [", "- a list"):
        bad.write_text(text)
        with pytest.raises(TrainError, match=r"bad\.yaml"):
            load_config(SftConfig, bad)


def test_a_rollout_batch_is_minibatches_of_accumulated_passes():
    config = PpoConfig(
        per_device_train_batch_size=2, gradient_accumulation_steps=3, num_mini_batches=4
    )
    assert (config.mini_batch_size, config.batch_size, config.steps_per_batch) == (6, 24, 16)


def test_a_chain_has_one_seed_for_all_its_stages():
    chain = load_config(ChainConfig, None, [*CHAIN, "seed=7", "sft.max_steps=3"])
    assert [chain.stage(name).seed for name in ("sft", "reward", "ppo")] == [7, 7, 7]
    with pytest.raises(TrainError, match="the seed stands once"):
        load_config(ChainConfig, None, [*CHAIN, "ppo.seed=7"])


def test_configs_load_no_training_library(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; import cai_core.train.configs, cai_core.train.checkpoints, cai_core.train.card,"
        " cai_core.train.rows, cai_core.train.loop, cai_core.train.policy.rollouts, cai_core.train.policy.advantages;"
        "print([m for m in ('torch', 'transformers', 'trl', 'datasets', 'peft') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr
