"""`evaluate` as a command: rows, results, and what it refuses."""

import json
import math

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.errors import ModelError
from cai_core.models import catalogue
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Constitution, Principle
from cai_core.settings import Endpoint, Settings

RULES = Constitution("rules", (Principle("true", text="Which is more true?"),))
LAB = "endpoint:lab/y"
STRANGE = "one\u2028two\x85three"  # ends of lines to splitlines(), not to JSON


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    prompts = [{"id": "short", "prompt": "Is it so?"}, {"id": "long", "prompt": "so " * 900}]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts))
    (tmp_path / "c.yaml").write_text(json.dumps(RULES.to_row()))
    models = {
        "path:a": ScriptedModel(lambda chat: STRANGE, id="a", context=800),
        "path:b": ScriptedModel(lambda chat: "no", id="b"),
        "path:judge": ScriptedModel(choice_scores={"A": -0.1, "B": -3.0}, id="path:judge"),
        LAB: ScriptedModel(lambda chat: "hm", {"A": -3.0, "B": -0.1}, id=LAB),
    }
    home = tmp_path / "home"
    home.mkdir()
    lab = Endpoint(name="lab", base_url="http://127.0.0.1:9/v1")
    Settings(endpoints=(lab,)).save(home / "settings.yaml")
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: models[model_id])
    return tmp_path


def run(*words):
    return CliRunner().invoke(main, ["evaluate", *map(str, words), "--cache", "none"])


def winrate(place, out, *more, b="path:b"):
    models = ["--model-a", "path:a", "--model-b", b, "--judge", "path:judge"]
    files = ["--prompts", place / "p.jsonl", "--constitution", place / "c.yaml"]
    return run("winrate", *files, *models, "--out", out, *more)


def best_of_n(place, out):
    models = ["--model", "path:b", "--reward-model", "path:r", "-n", "2"]
    return run("best-of-n", "--prompts", place / "p.jsonl", *models, "--out", out)


def test_a_prompt_too_long_for_one_model_fails_alone(place):
    done = winrate(place, place / "new" / "f.json")
    assert done.exit_code == 0, done.output
    found = json.loads((place / "new" / "f.json").read_text())
    short, long = found["rows"]
    assert (found["estimate"]["n"], found["failed"]) == (1, 1)
    assert short["response_a"] == STRANGE
    assert long["verdict"] is None
    assert "window" in long["error"]


def test_a_comparison_never_writes_over_something_else(place):
    (place / "f.json").write_text("mine")
    done = winrate(place, place / "f.json")
    assert done.exit_code == 1
    assert "holds another result" in done.output
    assert (place / "f.json").read_text() == "mine"


def test_a_preview_makes_the_folder_of_its_result(place, monkeypatch):
    monkeypatch.setattr(
        "cai_core.cli.best_of_n._scorer", lambda model_id: lambda chats: [1.0 for _ in chats]
    )
    done = best_of_n(place, place / "new" / "f.json")
    assert done.exit_code == 0, done.output
    assert json.loads((place / "new" / "f.json").read_text())["prompts"] == 2


def test_a_comparison_takes_the_wording_of_the_judges_question(place):
    models = ["--model-a", "path:a", "--model-b", "path:b", "--judge", "path:judge"]
    files = ["--prompts", place / "p.jsonl", "--constitution", place / "c.yaml"]
    out = place / "f.json"
    done = run(
        "winrate", *files, *models, "--template", "compare-3", "--examples", "2", "--out", out
    )
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in (place / "f.json.rows.jsonl").read_text().split("\n")[:-1]]
    assert rows[0]["template"].startswith("compare-3+2ex.")


def test_a_panel_compares_and_is_independent_only_as_a_whole(place):
    done = winrate(place, place / "f.json", "--panel", LAB, "--combine", "mean")
    assert done.exit_code == 0, done.output
    found = json.loads((place / "f.json").read_text())
    assert found["judge"] == f"panel:mean:{LAB} + path:judge"
    assert found["independent"]
    assert [one["judge"] for one in found["rows"][0]["panel"]] == ["path:judge", LAB]
    kindred = winrate(place, place / "g.json", "--panel", LAB, b=LAB)
    assert kindred.exit_code == 0, kindred.output
    said = json.loads((place / "g.json").read_text())
    assert not said["independent"]
    assert "1 of the panel's 2 judges" in said["independence"]


def test_a_further_judge_that_is_not_there_is_refused_before_anything_is_asked(place):
    done = winrate(place, place / "f.json", "--panel", "endpoint:gone/y")
    assert done.exit_code == 1
    assert "no endpoint is called 'gone'" in done.output
    assert not list(place.glob("f.json*"))


FIRST = "This is the first answer to it. It says what it says."
BETTER = "This is a better answer than that. It is careful."


def revised(place, n=3):
    rows = [
        {
            "id": str(i),
            "prompt": f"Question {i}?",
            "initial": FIRST,
            "model": "path:writer",
            "rounds": [
                {"principle": "true", "critique": "c", "revision": BETTER},
                {"principle": "true", "critique": "c", "revision": FIRST},
            ],
        }
        for i in range(n)
    ]
    (place / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def beats(place, *more):
    files = ["--revisions", place / "r.jsonl", "--constitution", place / "c.yaml"]
    return run("revisions", *files, "--judge", "path:judge", "--out", place / "f.json", *more)


def prefers_better(refusing=()):
    """Prefers the better answer wherever it stands; refuses to read some questions."""

    def score(chat, choice):
        text = chat[0].content
        if any(one in text for one in refusing):
            raise ModelError("busy")
        first = text.index(BETTER) < text.index(FIRST)
        better, other = (" A", " B") if first else (" B", " A")
        return {better: -0.1, other: -2.5}.get(choice, -math.inf)

    return ScriptedModel(choice_scores=score, id="judge")


def test_revisions_are_judged_against_first_answers_in_both_orders(place, monkeypatch):
    revised(place)
    model = prefers_better()
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: model)
    done = beats(place, "--json")
    assert done.exit_code == 0, done.output
    said, found = json.loads(done.stdout), json.loads((place / "f.json").read_text())
    assert len(model.history) == 2 * 3
    assert found["rounds"]["1"]["estimate"]["value"] == 1.0
    assert found["left_out"] == {"equal": 3}  # the second round went back to the first answer
    assert (found["independent"], found["headline"], found["judge"]) == (True, True, "path:judge")
    assert said["rounds"] == found["rounds"]
    assert said["rows"] == 3
    assert "round 1 beats the first answer 1.00" in beats(place).output
    assert len(model.history) == 2 * 3  # nothing is asked twice


def test_pairs_that_failed_are_asked_again_alone(place, monkeypatch):
    revised(place)
    models = iter([prefers_better(["Question 1?"]), prefers_better()])
    used = []

    def load(model_id, **more):
        used.append(next(models))
        return used[-1]

    monkeypatch.setattr(catalogue, "load", load)
    assert json.loads(beats(place, "--json").stdout)["failed_by_reason"] == {"busy": 1}
    assert json.loads(beats(place, "--json").stdout)["failed_by_reason"] == {}
    assert {"Question 1?" in chat[0].content for chat in used[1].history} == {True}


def test_without_a_revision_to_compare_it_is_a_sentence(place):
    revised(place)
    text = (place / "r.jsonl").read_text().replace(BETTER, "")
    (place / "r.jsonl").write_text(text)
    done = beats(place)
    assert done.exit_code == 1
    assert "there is no revision that can be compared" in done.output
