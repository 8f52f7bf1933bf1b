"""The train page: what it needs, what it submits, what it refuses."""

import json
from pathlib import Path

import pytest

from cai_core.jobs import queue
from cai_core.store import datasets, work
from ui import run_again

KINDS = ("sft", "preference", "prompts")


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


@pytest.fixture
def with_datasets(seeded_workspace):
    with seeded_workspace.db() as db:
        for kind in KINDS:
            place = seeded_workspace.home / "datasets" / kind
            place.mkdir(parents=True)
            manifest = {"kind": kind, "hash": kind * 2, "rows": 10}
            datasets.add(db, place, manifest, author="Grace")
    return seeded_workspace


def choose(open_page, what):
    at = open_page("train")
    assert not at.exception
    at.segmented_control(key="train_what").set_value(what).run()
    assert not at.exception
    return at


def jobs(workspace):
    with workspace.db() as db:
        return work.find(db)


@pytest.mark.parametrize("what", ["All three", "SFT", "Reward model", "PPO"])
def test_without_datasets_every_form_says_what_it_needs(empty_workspace, open_page, what):
    at = choose(open_page, what)
    assert any("This needs" in m.value for m in at.markdown)
    assert not [b for b in at.button if b.key and b.key.startswith("start_")]


def test_starting_sft_submits_a_job_with_only_what_was_changed(with_datasets, open_page):
    at = choose(open_page, "SFT")
    at.number_input(key="set_sft_max_steps").set_value(3).run()
    at.button(key="start_sft").click().run()
    assert not at.exception
    (job,) = jobs(with_datasets)
    place = queue.folder_of(job.id)
    assert job.kind == "sft"
    assert json.loads((place / "config.yaml").read_text()) == {"max_steps": 3}
    assert str(with_datasets.home / "datasets" / "sft") in job.argv


def test_the_button_is_off_while_the_same_job_waits(with_datasets, open_page):
    at = choose(open_page, "Reward model")
    at.button(key="start_reward").click().run()
    assert at.button(key="start_reward").disabled
    at.number_input(key="set_reward_max_steps").set_value(5).run()
    assert not at.button(key="start_reward").disabled


@pytest.mark.parametrize("what", ["PPO", "RLOO", "GRPO"])
def test_what_learns_online_needs_a_reward_model(with_datasets, open_page, what):
    at = choose(open_page, what)
    assert any("This needs a reward model" in i.value for i in at.info)


def test_dpo_is_submitted(with_datasets, open_page):
    at = choose(open_page, "DPO")
    at.number_input(key="set_dpo_max_steps").set_value(3).run()
    at.button(key="start_dpo").click().run()
    assert not at.exception
    (job,) = jobs(with_datasets)
    assert job.argv[:2] == ("train", "dpo")


@pytest.mark.parametrize("what", ["SFT", "All three"])
def test_a_preset_fills_the_form_and_is_submitted_as_values(with_datasets, open_page, what):
    kind = {"SFT": "sft", "All three": "chain"}[what]
    at = choose(open_page, what)
    at.button(key=f"preset_{kind}_cpu").click().run()
    assert not at.exception
    at.button(key=f"start_{kind}").click().run()
    (job,) = jobs(with_datasets)
    given = json.loads((queue.folder_of(job.id) / "config.yaml").read_text())
    from cai_core.train.configs import ChainConfig, SftConfig, load_config, presets

    config = load_config(
        {"sft": SftConfig, "chain": ChainConfig}[kind], queue.folder_of(job.id) / "config.yaml"
    )
    wanted = presets.preset("cpu").methods["sft"]
    found = config if kind == "sft" else config.sft
    assert given
    for name, value in wanted.items():
        shown = getattr(found, name)
        assert (shown.model_dump() if hasattr(shown, "model_dump") else shown) == value, name


def test_the_chain_is_submitted_with_its_constitution_and_datasets(with_datasets, open_page):
    at = choose(open_page, "All three")
    at.toggle(key="chain_audit").set_value(True).run()
    at.button(key="start_chain").click().run()
    assert not at.exception
    (job,) = jobs(with_datasets)
    place = queue.folder_of(job.id)
    config = json.loads((place / "config.yaml").read_text())
    assert config["audit"] is True
    assert config["data"] == str(with_datasets.home / "datasets" / "sft")
    assert Path(place / "constitution.yaml").read_text().startswith("name:")
    assert job.config["constitution"]["hash"]


def test_the_chain_config_of_the_page_is_one_that_the_command_reads(with_datasets, open_page):
    from cai_core.train.configs import ChainConfig, load_config

    at = choose(open_page, "All three")
    at.button(key="start_chain").click().run()
    (job,) = jobs(with_datasets)
    config = load_config(ChainConfig, queue.folder_of(job.id) / "config.yaml")
    assert config.helpful is None or config.helpful.share == pytest.approx(0.43)


def test_a_chain_under_another_version_is_another_job(with_datasets, open_page):
    at = choose(open_page, "All three")
    at.button(key="start_chain").click().run()
    assert at.button(key="start_chain").disabled
    at.selectbox(key="chain_version").select_index(1).run()
    assert not at.button(key="start_chain").disabled


def test_what_is_set_survives_another_method_and_another_page(with_datasets, open_page):
    at = choose(open_page, "PPO")
    at.number_input(key="set_ppo_kl_coef").set_value(0.2).run()
    at.segmented_control(key="train_what").set_value("SFT").run()
    at.selectbox(key="data_sft").select_index(0).run()
    at.number_input(key="set_sft_max_steps").set_value(3).run()
    at.switch_page("pages/settings.py").run()
    at.switch_page("pages/train.py").run()
    assert not at.exception
    assert at.number_input(key="set_sft_max_steps").value == 3
    at.segmented_control(key="train_what").set_value("PPO").run()
    assert not at.exception
    assert at.number_input(key="set_ppo_kl_coef").value == 0.2


def run_of(workspace, kind, settings, **options):
    with workspace.db() as db:
        spec = queue.Submission(
            kind=kind, title="earlier", options=options, config={"settings": settings}
        )
        return queue.submit(db, spec, by="Grace", supervise=False)


def test_a_run_is_started_again_from_its_settings(with_datasets, open_page):
    data = str(with_datasets.home / "datasets" / "sft")
    settings = {"max_steps": 7, "lora": {"r": 4}, "learning_rate": 1e-4}
    job = run_of(with_datasets, "sft", settings, data=data, model="builtin:smollm2-135m-instruct")
    at = open_page("runs")
    at.button(key=f"open_{job.id}").click().run()
    at.button(key=f"again_{job.id}").click().run()
    assert not at.exception
    at.switch_page("pages/train.py").run()
    assert not at.exception
    assert at.segmented_control(key="train_what").value == "SFT"
    assert at.number_input(key="set_sft_1_max_steps").value == 7
    assert at.number_input(key="set_sft_1_lora_r").value == 4
    at.button(key="start_sft").click().run()
    newest = jobs(with_datasets)[0]
    config = json.loads((queue.folder_of(newest.id) / "config.yaml").read_text())
    assert config == settings
    assert data in newest.argv
    at.button(key="defaults_sft").click().run()
    assert at.number_input(key="set_sft_2_max_steps").value == -1


def test_a_chain_is_started_again_from_its_settings(with_datasets, open_page):
    at = choose(open_page, "All three")
    at.toggle(key="chain_audit").set_value(True).run()
    at.number_input(key="chain_ppo_kl_coef").set_value(0.2).run()
    at.button(key="start_chain").click().run()
    (job,) = jobs(with_datasets)
    at.session_state["train_start"] = run_again.Start.of(job)
    at.run()
    assert not at.exception
    assert at.toggle(key="chain_audit_1").value
    assert at.number_input(key="chain_ppo_1_kl_coef").value == 0.2
