"""`revise` as a command: its rows, going on, what it refuses."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.errors import ModelError
from cai_core.models import catalogue
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Constitution, Principle, Prompt, Revision
from tests.tiny import save_tiny_model

RULES = Constitution(
    "rules",
    (Principle("kind", text="Which is kinder?"), Principle("safe", critique="Who is hurt?")),
)
PROMPTS = [Prompt.of(f"question {i}?", tags=("t",)) for i in range(3)]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    lines = [json.dumps(prompt.to_row()) + "\n" for prompt in PROMPTS]
    (tmp_path / "prompts.jsonl").write_text("".join(lines))
    (tmp_path / "c.yaml").write_text(json.dumps(RULES.to_row()))
    return tmp_path


@pytest.fixture
def written_by(monkeypatch):
    """Let the command load a model that answers by this function."""

    def use(answer):
        model = ScriptedModel(answers=answer)
        monkeypatch.setattr(catalogue, "load", lambda model_id, **more: model)
        return model

    return use


def revise(place, *more, model="scripted:test"):
    files = ["--prompts", place / "prompts.jsonl", "--constitution", place / "c.yaml"]
    words = ["revise", *files, "--out", place / "r.jsonl", "--cache", "none", "--model", model]
    return CliRunner().invoke(main, [str(word) for word in [*words, *more]])


def rows(place):
    lines = (place / "r.jsonl").read_text().splitlines()
    return [Revision.from_row(json.loads(line)) for line in lines]


def test_there_is_one_row_a_prompt_in_input_order(place, written_by):
    written_by(lambda chat: f"text of {len(chat)} turns")
    done = revise(place, "--rounds", "2", "--no-examples")
    assert done.exit_code == 0, done.output
    assert [row.id for row in rows(place)] == [prompt.id for prompt in PROMPTS]
    assert all(len(row.rounds) == 2 for row in rows(place))
    assert "3 revised, 0 failed" in done.output


def test_a_prompt_that_failed_is_asked_again(place, written_by):
    def answer(chat):
        if "question 1?" in chat[0].content:
            raise ModelError("refused")
        return "fine"

    written_by(answer)
    assert "2 revised, 1 failed" in revise(place, "--no-examples").output
    assert rows(place)[1].error == "no answer: refused"
    model = written_by(lambda chat: "fine")
    assert "3 revised, 0 failed" in revise(place, "--no-examples").output
    assert {chat[0].content for chat in model.history} == {"question 1?"}


def test_when_every_prompt_fails_it_says_why_and_exits_one(place, written_by):
    def answer(chat):
        raise ModelError("the server answered 401")

    written_by(answer)
    done = revise(place)
    assert done.exit_code == 1
    assert "none of the 3 rows" in done.output
    assert "401" in done.output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--rounds", "2"], "rounds: 1 then, 2 now"),
        (["--principle", "kind"], 'principle: "draw" then, "kind" now'),
        (["--stepwise"], "stepwise: false then, true now"),
        (["--no-examples"], "examples: true then, false now"),
    ],
)
def test_other_settings_are_refused_and_shown(place, written_by, more, said):
    written_by(lambda chat: "fine")
    revise(place)
    refused = revise(place, *more)
    assert refused.exit_code == 1
    assert said in refused.output


def test_an_unknown_principle_is_one_sentence_and_nothing_is_written(place):
    done = revise(place, "--principle", "mild")
    assert done.exit_code == 1
    assert "has no principle 'mild'" in done.output
    assert not (place / "r.jsonl").exists()


def test_a_bad_row_is_named_by_its_line(place):
    with (place / "prompts.jsonl").open("a") as file:
        file.write('{"prompt": ""}\n')
    done = revise(place)
    assert done.exit_code == 1
    assert "prompts.jsonl:4:" in done.output


def test_a_real_model_writes_every_text(place):
    folder = save_tiny_model(place / "tiny")
    more = ["--max-new-tokens", "6", "--principle", "safe"]
    done = revise(place, *more, model=f"path:{folder}")
    assert done.exit_code == 0, done.output
    assert all(row.initial and row.final for row in rows(place) if not row.error)
    assert {row.model for row in rows(place)} == {f"path:{folder}"}


def test_own_examples_are_shown_and_other_ones_do_not_go_on_with_the_same_file(place, written_by):
    model = written_by(lambda chat: "fine")
    own = place / "home" / "fewshot" / "revise.jsonl"
    own.parent.mkdir(parents=True)
    row = {"prompt": "Mine?", "response": "No.", "critique": "Curt.", "revision": "Not mine."}
    own.write_text(json.dumps(row) + "\n")
    assert revise(place).exit_code == 0
    assert model.history[-1][0].content == "Mine?"
    given = place / "given.jsonl"
    given.write_text(json.dumps(row | {"prompt": "Given?"}) + "\n")
    refused = revise(place, "--examples-file", given)
    assert "own_examples" in refused.output
    given.write_text(json.dumps(row | {"revision": ""}) + "\n")
    assert f"{given}:1: 'revision' is missing" in revise(place, "--examples-file", given).output
