"""`train ppo --judge`: a policy compared with its start while it learns, by who it was asked for."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.duel import AT_CHANCE, duel_of, note_on, safe_chats, umpire_of
from cai_core.cli.evaluate import panel_of
from cai_core.cli.main import main
from cai_core.cli.running import Running
from cai_core.errors import CaiError
from cai_core.models import catalogue
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Constitution, Principle, user
from cai_core.settings import BUILTIN, JudgeSetting
from cai_core.train.watch.records import Watch
from tests.cli.test_learn import labelled, learn
from tests.tiny import save_tiny_model
from tests.train.conftest import preference_rows, prompt_rows, write_dataset

RULES = Constitution("rules", (Principle("true", text="Which is more true?"),))
SMALL = ("per_device_train_batch_size=2", "gradient_accumulation_steps=1", "response_length=4")
FEW = [part for text in (*SMALL, "eval_steps=4") for part in ("--set", text)]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    (tmp_path / "c.yaml").write_text(json.dumps(RULES.to_row()))
    return tmp_path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"), layers=3)


@pytest.fixture(scope="module")
def reward_model(tiny, tmp_path_factory):
    place = tmp_path_factory.mktemp("reward")
    data = write_dataset(place / "data", "preference", train=preference_rows(8))
    done = run(
        "reward", "--data", data, "--model", tiny, "--out", place / "out", "--set", "max_steps=2"
    )
    assert done.exit_code == 0, done.output
    return place / "out"


def run(*words):
    return CliRunner().invoke(main, ["train", *map(str, words)])


def ppo(place, tiny, reward_model, *more):
    data = place / "data"
    if not data.exists():
        write_dataset(data, "prompts", train=prompt_rows(4), dev=prompt_rows(8, 50))
    command = ("ppo", "--data", data, "--model", tiny, "--out", place / "out", *FEW)
    return run(*command, "--reward-model", reward_model, *more)


def loves_truth(chat, choice):
    """The option in which "true" stands, wherever it stands."""
    said = chat[0].content
    first = said.index("it is true") < said.index("it is false")
    return -1.0 if (choice.strip() == "A") == first else -4.0


def test_a_duel_asks_both_orders_and_gives_the_chance_of_the_first(monkeypatch):
    judge = ScriptedModel(choice_scores=loves_truth, id="path:judge")
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: judge)
    running = Running(cache_option="none")
    duel = duel_of(running, panel_of(running, RULES, JudgeSetting(model="path:judge"), ()))
    chats = [(user(f"Is it {k}?"),) for k in range(3)]
    found = duel(
        chats, ["it is true", "it is false", "same"], ["it is false", "it is true", "same"]
    )
    assert found[0] == pytest.approx(0.953, abs=0.001)
    assert found[1] == pytest.approx(0.047, abs=0.001)
    assert found[2] == 0.5
    assert len(judge.history) == 4  # two pairs, two orders; equal answers are not asked about


def test_a_pair_without_a_verdict_has_no_chance(monkeypatch):
    judge = ScriptedModel(choice_scores=loves_truth, id="path:judge", context=60)
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: judge)
    running = Running(cache_option="none")
    duel = duel_of(running, panel_of(running, RULES, JudgeSetting(model="path:judge"), ()))
    assert duel([(user("so " * 200),)], ["it is true"], ["it is false"]) == [None]


def test_a_judge_watches_a_training_on_the_command_line(place, tiny, reward_model):
    watched = ("--judge", f"path:{tiny}", "--constitution", place / "c.yaml", "--json")
    done = ppo(place, tiny, reward_model, *watched)
    assert done.exit_code == 0, done.output
    watch = Watch(place / "out")
    assert [row["step"] for row in watch.duels()] == [4, 8]
    assert [row["step"] for row in watch.samples()] == [0, 4, 8]
    record = json.loads((place / "out" / "run.json").read_text())
    assert record["best"]["judge"] == f"path:{tiny}"
    notes = json.loads(done.stdout)["notes"]
    assert any("is one of the models that it compares" in note for note in notes)
    other = ppo(place, tiny, reward_model, "--judge", reward_model, *watched[2:])
    assert other.exit_code == 1


def test_a_run_that_goes_on_keeps_its_judge(place, tiny, reward_model):
    assert ppo(place, tiny, reward_model).exit_code == 0
    watched = ("--judge", f"path:{tiny}", "--constitution", place / "c.yaml")
    refused = ppo(place, tiny, reward_model, *watched)
    assert refused.exit_code == 1
    assert "other settings: evaluation was None and is now" in refused.stderr


def test_a_model_judges_under_a_constitution_only(place, tiny, reward_model):
    done = ppo(place, tiny, reward_model, "--judge", f"path:{tiny}")
    assert done.exit_code == 2
    assert "Missing option '--constitution'" in done.stderr
    assert not (place / "out").exists()


def test_a_learned_judge_watches_without_a_constitution(place, tiny):
    labelled(place, judged=False)
    assert learn(place, tiny).exit_code == 0
    umpire = umpire_of(Running(cache_option="none"), str(place / "head"), None)
    assert umpire.judge.startswith("head:")
    assert "taught by 60 verdicts of Ada" in umpire.note
    good, bad = "Boil water, add the leaves and wait. yes 7", "no good bad bad no good bad 7"
    chat = (user("How do I make tea 7?"),)
    first, second = umpire.duel([chat, chat], [good, bad], [bad, good])
    assert first is not None
    assert second is not None
    assert first > 0.5 > second
    assert first + second == pytest.approx(1)


def test_the_built_in_judge_is_said_to_be_at_chance():
    assert note_on(BUILTIN, ["path:/x"]) == AT_CHANCE
    assert note_on("endpoint:lab/y", ["path:/x"]) == ""
    assert "is one of the models" in note_on("path:/x", ["path:/x"])


def test_safe_prompts_are_all_of_a_file_or_those_marked_so(place):
    path = place / "p.jsonl"

    def read(rows):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return [chat[0].content for chat in safe_chats(path, Running())]

    plain = [{"prompt": "kill a process"}, {"prompt": "shoot a photo"}]
    assert read(plain) == ["kill a process", "shoot a photo"]
    assert read([{**plain[0], "label": "safe"}, {**plain[1], "label": "unsafe"}]) == [
        "kill a process"
    ]
    assert read([{**plain[0], "label": "unsafe"}, {**plain[1], "tags": ["safe"]}]) == [
        "shoot a photo"
    ]
    with pytest.raises(CaiError, match="no prompt here is safe"):
        read([{**plain[0], "label": "unsafe"}])
