import pytest

from cai_core.errors import TrainError
from cai_core.train.configs import (
    CONFIGS,
    PRESETS,
    ChainConfig,
    PpoConfig,
    SftConfig,
    load_config,
    preset,
)

CHAIN = ("data=d", "prompts=p", "constitution=c")
NAMES = [one.key for one in PRESETS]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", CONFIGS.values())
def test_every_method_accepts_every_preset(kind, name):
    values = preset(name).values(kind)
    assert values
    assert load_config(kind, preset=name) == kind.model_validate(values)


@pytest.mark.parametrize("name", NAMES)
def test_a_chain_takes_the_groups_of_its_methods(name):
    made = load_config(ChainConfig, None, CHAIN, preset=name)
    assert made.preset == name
    assert made.ppo == load_config(PpoConfig, preset=name)
    assert made.sft == load_config(SftConfig, preset=name)


def test_a_preset_lies_under_the_file_and_the_overrides(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("preset: gpu-24\nmax_length: 64\nlora: {r: 4}\n")
    made = load_config(SftConfig, file, ["learning_rate=1e-4"])
    assert (made.max_length, made.learning_rate) == (64, 1e-4)
    assert made.lora is not None
    assert (made.lora.r, made.lora.lora_alpha) == (4, 32)
    assert made.gradient_checkpointing is True
    assert load_config(SftConfig, file, ["lora=null"]).lora is None


def test_the_preset_that_is_asked_for_counts_instead_of_the_files(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("preset: gpu-24\n")
    assert load_config(SftConfig, file, preset="cpu").max_steps == 12


def test_a_preset_is_known_by_its_name_too():
    assert preset("One 80 GB GPU").key == "gpu-80"
    with pytest.raises(TrainError, match="no preset 'tpu'; presets are cpu"):
        load_config(SftConfig, preset="tpu")


def test_what_was_never_run_says_so():
    for one in PRESETS:
        assert one.tried or one.label.endswith("(untried on a GPU)")
        assert not one.tried or "GPU" not in one.label


def test_presets_set_no_seed_and_no_data():
    for one in PRESETS:
        assert not {"data", "prompts", "model", "seed"} & one.chain.keys()
        assert not any("seed" in values for values in one.methods.values())
