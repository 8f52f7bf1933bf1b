"""`evaluate guard`: two models asked one after the other, resumable, exit 1 where something does not hold."""

import json
import math

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.jobs.commands import argv
from cai_core.models import catalogue
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Chat
from tests.tiny import save_tiny_model

PROMPTS = 24


def plain(chat: Chat) -> str:
    number = chat[-1].content.split()[-1]
    return f"answer {number} has its own words {number}a {number}b {number}c"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    prompts = [{"id": f"p{k}", "prompt": f"Is it {k}"} for k in range(PROMPTS)]
    good = [{"prompt": f"How {k}", "completion": f"like this and so {k}"} for k in range(PROMPTS)]
    for name, rows in (("p", prompts), ("h", good)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.fixture
def models(monkeypatch):
    made = {
        "path:base": ScriptedModel(plain, lambda chat, choice: -10.0, id="path:base"),
        "path:good": ScriptedModel(plain, lambda chat, choice: -10.5, id="path:good"),
        "path:bad": ScriptedModel(
            lambda chat: "I can not say. " * 8, lambda chat, choice: -40.0, id="path:bad"
        ),
    }
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: made[model_id])
    return made


def guard(place, model, *more, base="path:base", cache=("--cache", "none")):
    files = ("--prompts", place / "p.jsonl", "--out", place / "g.json")
    words = ("evaluate", "guard", "--model", model, "--base", base, *files, *more, *cache)
    return CliRunner().invoke(main, [str(word) for word in words])


def test_a_model_that_talks_like_its_base_is_fit(place, models):
    done = guard(place, "path:good", "--helpful", place / "h.jsonl")
    assert done.exit_code == 0, done.output
    row = json.loads((place / "g.json").read_text())
    assert (row["holds"], row["reasons"]) == (True, [])
    loss = row["checks"][-1]
    assert loss["change"]["value"] == pytest.approx(0.5 / 6)  # a turn and five words
    assert (loss["model"], loss["base"], loss["change"]["n"]) == pytest.approx((1.75, 10 / 6, 24))


def test_one_that_does_not_is_unfit_and_says_why(place, models):
    done = guard(place, "path:bad", "--helpful", place / "h.jsonl", "--json")
    assert done.exit_code == 1
    row = json.loads(done.stdout)
    assert not row["holds"]
    assert [reason.partition(":")[0] for reason in row["reasons"]] == [
        "answers that go round in circles",
        "different words",
        "different 2-grams",
        "different 3-grams",
        "loss a token on helpful answers",
    ]


def test_what_was_asked_is_not_asked_again(place, models):
    guard(place, "path:good")
    before = {name: len(model.history) for name, model in models.items()}
    assert before["path:good"] == before["path:base"] == PROMPTS
    assert guard(place, "path:good").exit_code == 0
    assert {name: len(model.history) for name, model in models.items()} == before
    assert "other settings" in guard(place, "path:bad").stderr


def test_a_prompt_that_one_cannot_answer_counts_for_neither(place, models):
    (place / "p.jsonl").open("a").write(json.dumps({"id": "long", "prompt": "so " * 9000}) + "\n")
    assert guard(place, "path:good").exit_code == 0
    row = json.loads((place / "g.json").read_text())
    assert row["checks"][0]["change"]["n"] == PROMPTS


def test_two_real_models_are_compared(place, tmp_path):
    one = save_tiny_model(tmp_path / "one", seed=0)
    other = save_tiny_model(tmp_path / "other", seed=1)
    few = ("--helpful", place / "h.jsonl", "--max-new-tokens", "8")
    done = guard(place, f"path:{one}", *few, base=f"path:{other}", cache=())
    assert done.exit_code in (0, 1), done.output
    loss = json.loads((place / "g.json").read_text())["checks"][-1]
    assert 3 < loss["base"] < 2 * math.log(500)  # a random model of 500 tokens


def test_a_job_of_its_own_runs_it():
    made = argv("guard", {"model": "path:a", "base": "path:b", "prompts": "p.jsonl"})
    assert made[:2] == ("evaluate", "guard")
    assert made[-2:] == ("--out", "result.json")
