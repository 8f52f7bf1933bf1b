"""`prompts generate` as a command: its rows, going on, what it counts and what it refuses."""

import json
from random import Random

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.curate.formats import read_prompts
from cai_core.models import catalogue
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Constitution, Principle, Prompt
from tests.tiny import save_tiny_model

RULES = Constitution(
    "rules",
    (Principle("kind", text="Which is kinder?"), Principle("safe", critique="Who is hurt?")),
)
SEEDS = [Prompt.of(f"Which of the {n} old bridges is the nicest?") for n in range(3)]
TOPICS = [
    "apples",
    "boats",
    "candles",
    "drums",
    "engines",
    "flutes",
    "gardens",
    "horses",
    "islands",
    "jackets",
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    lines = [json.dumps(prompt.to_row()) + "\n" for prompt in SEEDS]
    (tmp_path / "p.jsonl").write_text("".join(lines))
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


def topical(chat):
    """A message that belongs to the request: the same request brings the same one."""
    words = Random(chat[0].content).choices(TOPICS, k=8)
    return f" trade {' and '.join(words)}?"


def generate(place, *more, model="scripted:test"):
    files = ["--from", place / "p.jsonl", "--constitution", place / "c.yaml"]
    words = ["prompts", "generate", *files, "--out", place / "out.jsonl", "--cache", "none"]
    return CliRunner().invoke(main, [str(word) for word in [*words, "--model", model, *more]])


def rows(place, name="out.jsonl"):
    return [json.loads(line) for line in (place / name).read_text().splitlines()]


def test_there_is_one_prompt_a_slot_and_the_file_is_a_prompts_file(place, written_by):
    written_by(topical)
    done = generate(place, "--count", "2")
    assert done.exit_code == 0, done.output
    assert "6 of 6 prompts in 6 attempts" in done.output
    slots = [row["slot"] for row in rows(place)]
    assert slots == [
        f"{kind}-00{n}" for kind in ("collide", "ambiguous", "looks-unsafe") for n in (1, 2)
    ]
    assert len(read_prompts(place / "out.jsonl")) == 6
    shown = {seed.id for seed in SEEDS}
    assert all(set(row["from"]) == shown for row in rows(place))


def test_kinds_and_principles_can_be_chosen(place, written_by):
    written_by(topical)
    generate(place, "--kind", "ambiguous", "--principle", "safe", "--count", "2")
    assert [(row["kind"], row["principles"]) for row in rows(place)] == [
        ("ambiguous", ["safe"])
    ] * 2


def test_a_killed_command_goes_on_and_writes_no_prompt_twice(place, written_by):
    class Killed(BaseException):
        """As a kill: nothing handles it."""

    def killed(chat):
        killed.calls += 1
        if killed.calls > 16:  # the first batch is through
            raise Killed
        return topical(chat)

    killed.calls = 0
    written_by(killed)
    more = ("--count", "20", "--kind", "ambiguous")
    with pytest.raises(Killed):
        generate_raising(place, *more)
    assert not (place / "out.jsonl").exists()
    first = rows(place, "out.jsonl.part")
    assert len(first) == 16
    with (place / "out.jsonl.part").open("a") as file:
        file.write('{"id": "torn')
    model = written_by(topical)
    done = generate(place, *more)
    assert "20 of 20" in done.output, done.output
    assert len(model.history) == 4
    whole = rows(place)
    assert whole[:16] == first
    assert len({row["slot"] for row in whole}) == len({row["id"] for row in whole}) == 20


def generate_raising(place, *more):
    result = generate(place, *more)
    if result.exception is not None:
        raise result.exception


def test_fewer_than_asked_for_is_said_with_the_reasons_and_more_tries_go_on(place, written_by):
    written_by(lambda chat: "" if "Who is hurt?" in chat[0].content else topical(chat))
    more = ("--count", "2", "--kind", "ambiguous")
    done = generate(place, *more, "--tries", "3", "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.output.splitlines()[-1])
    assert result | {"out": ""} == {
        "out": "",
        "rows": 1,
        "wanted": 2,
        "attempts": 4,
        "refused": {"empty": 3},
    }
    assert len(rows(place)) == 1
    written_by(lambda chat: topical(chat))
    again = generate(place, *more, "--tries", "4")
    assert "2 of 2 prompts in 2 attempts" in again.output
    assert len(rows(place)) == 2


def test_nothing_usable_at_all_is_one_sentence_and_no_file(place, written_by):
    written_by(lambda chat: "I'm sorry, but I can't help with that.")
    done = generate(place, "--count", "1", "--tries", "2")
    assert done.exit_code == 1
    assert "wrote nothing usable: 0 of 3 prompts in 6 attempts; refused: a refusal 6" in done.output
    assert not (place / "out.jsonl").exists()


def test_what_is_near_a_known_prompt_is_dropped(place, written_by):
    there = "Where do I hide the birthday cake so that my little sister never looks?"
    (place / "known.jsonl").write_text(json.dumps({"prompt": there}) + "\n")
    written_by(lambda chat: there)
    more = ("--count", "1", "--kind", "ambiguous", "--known", str(place / "known.jsonl"))
    assert "a near-duplicate 8" in generate(place, *more).output


def test_an_unknown_principle_is_refused_with_those_that_exist(place, written_by):
    written_by(topical)
    done = generate(place, "--principle", "mild")
    assert done.exit_code == 1
    assert "has no principle 'mild'; it has kind, safe" in done.output
    assert not list(place.glob("out*"))


def test_other_settings_are_refused_and_shown(place, written_by):
    written_by(topical)
    generate(place, "--count", "1")
    refused = generate(place, "--count", "2")
    assert refused.exit_code == 1
    assert "count: 1 then, 2 now" in refused.output


def test_a_real_model_is_asked(place):
    folder = save_tiny_model(place / "tiny")
    done = generate(
        place, "--count", "1", "--tries", "2", "--max-new-tokens", "6", model=f"path:{folder}"
    )
    assert "of 3 prompts in" in done.output
    assert done.exit_code in (0, 1)
