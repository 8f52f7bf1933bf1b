"""PPO that is watched: a judge beside it, killed and continued, its best checkpoint a model."""

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from cai_core.errors import Stopped
from cai_core.train import ppo
from cai_core.train.policy.evaluation import Umpire
from cai_core.train.watch.records import Watch
from tests.train.conftest import Recorder, make_task, prompt_rows, write_dataset
from tests.train.test_ppo import config, count_letter


def likes_the_letter(chats, firsts, seconds):
    """A judge that agrees with the reward, but never surely."""
    pairs = zip(firsts, seconds, strict=True)
    return [0.5 + 0.1 * max(-3, min(3, a.count("a") - b.count("a"))) for a, b in pairs]


def watched(tiny, data, out, *, stop=None, umpire=likes_the_letter, **more):
    asked = config(eval_steps=4, save_steps=4, learning_rate=1e-2, **more)
    task = make_task("ppo", data, tiny, out, asked, hooks=Recorder(stop).hooks)
    return ppo.train(task, reward=count_letter, umpire=Umpire("path:/j", umpire, "a note"))


@pytest.fixture
def data(tmp_path):
    rows = {"train": prompt_rows(10), "dev": prompt_rows(12, 50)}
    return write_dataset(tmp_path / "data", "prompts", **rows)


def test_a_watched_run_tells_its_comparisons_and_keeps_its_best(tiny, data, tmp_path):
    run = watched(tiny, data, tmp_path / "o")
    watch = Watch(tmp_path / "o")
    assert [row["step"] for row in watch.samples()] == [0, 4, 8, 12]
    assert [row["step"] for row in watch.duels()] == [4, 8, 12]
    assert "a note" in run.notes
    gains = {row["step"]: row["gain"]["value"] for row in watch.duels()}
    assert run.best is not None
    if max(gains.values()) > 0:
        assert run.best["step"] == max(gains, key=lambda step: gains[step])
        folder = tmp_path / "o" / "best"
        policy = AutoModelForCausalLM.from_pretrained(folder)
        assert AutoTokenizer.from_pretrained(folder).chat_template
        last = load_file(tmp_path / "o" / "model.safetensors")
        same = all(torch.equal(policy.state_dict()[name], last[name]) for name in last)
        assert same == (run.best["step"] == 12)


def test_watching_changes_nothing_of_what_is_learned(tiny, data, tmp_path):
    watched(tiny, data, tmp_path / "o")
    asked = config(learning_rate=1e-2, save_steps=4)
    ppo.train(make_task("ppo", data, tiny, tmp_path / "p", asked), reward=count_letter)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("o", "p"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_watched_run_that_is_stopped_anywhere_tells_the_same(tiny, data, tmp_path):
    watched(tiny, data, tmp_path / "whole")
    whole = Watch(tmp_path / "whole")
    for asked in (13, 15, 24):  # within the first evaluation, after it, within the second
        out = tmp_path / f"o{asked}"
        with pytest.raises(Stopped):
            watched(tiny, data, out, stop=asked)
        watched(tiny, data, out)
        again = Watch(out)
        assert [row["step"] for row in again.duels()] == [4, 8, 12]
        for one, other in zip(whole.duels(), again.duels(), strict=True):
            assert one["gain"] == pytest.approx(other["gain"], abs=1e-6)
        assert again.samples() == whole.samples()
        assert again.alarms() == whole.alarms()
