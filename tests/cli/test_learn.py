"""`labels learn`, `features` and `judge --judge HEAD` on a tiny real model."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.jobs.commands import argv
from cai_core.schema import Label, Pair, assistant, user
from tests.tiny import save_tiny_model

GOOD, BAD = "Boil water, add the leaves and wait.", "no good bad bad no good bad"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("tiny"), layers=3)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    return tmp_path


def pairs(n: int = 60) -> list[Pair]:
    made = []
    for k in range(n):
        good, bad = f"{GOOD} yes {k}", f"{BAD} {k}"
        a, b = (good, bad) if k % 3 else (bad, good)
        made.append(Pair.of((user(f"How do I make tea {k}?"),), a, b, label="a" if k % 3 else "b"))
    return made


def write(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def labelled(place: Path, n: int = 60, *, judged: bool = True) -> Path:
    rows = []
    for pair in pairs(n):
        plain = Pair.of(pair.prompt, pair.response_a, pair.response_b)
        review = {"blind": True, "queue": "even", "pi": 0.5, "reviewer": "Ada", "first": True}
        rows.append(
            Label(plain, pair.label, None, kind="person", annotator="Ada").to_row()
            | {"review": review}
        )
        if judged:
            votes = {"kind": 0.6, "true": 0.55}
            rows.append(Label(plain, "a", 0.6, annotator="zero", votes=votes).to_row())
    return write(place / "labels.jsonl", rows)


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def learn(place: Path, tiny: Path, *more):
    out = place / "head"
    return run("labels", "learn", "--labels", place / "labels.jsonl", "--model", f"path:{tiny}", "--out", out, *more)  # fmt: skip


def judge(place: Path, judge: str, *more):
    files = ["--pairs", place / "pairs.jsonl", "--out", place / "out.jsonl"]
    return run("judge", "--judge", judge, *files, *more)


def labels_in(path: Path) -> list[Label]:
    return [Label.from_row(json.loads(line)) for line in path.read_text().splitlines()]


def test_a_judge_is_learned_beside_the_files_judge_and_says_who_taught_it(place, tiny):
    labelled(place)
    done = learn(place, tiny, "--json")
    assert done.exit_code == 0, done.output
    row = json.loads(done.stdout)
    assert row["pairs"] == 60
    assert row["taught"] == "taught by 60 verdicts of Ada"
    assert row["agreement"]["value"] > 0.9
    assert row["agreement"]["n"] == 60
    assert row["beside"]["judge"] == "zero"
    assert row["beside"]["other"]["value"] == pytest.approx(40 / 60)
    assert row["beside"]["gain"]["low"] > 0
    assert row["beside"]["combined"]["n"] == 60
    assert (place / "head" / "head.json").exists()
    said = learn(place, tiny).output
    assert "taught by 60 verdicts of Ada; it is not independent of them" in said


def test_a_learned_judge_judges_pairs_and_is_cross_fitted_on_those_that_taught_it(place, tiny):
    labelled(place)
    assert learn(place, tiny).exit_code == 0
    given = pairs(63)
    write(place / "pairs.jsonl", (pair.to_row() for pair in given))
    done = judge(place, str(place / "head"), "--json")
    assert done.exit_code == 0, done.output
    made = labels_in(place / "out.jsonl")
    assert [label.pair.id for label in made] == [pair.id for pair in given]
    assert [label.extra["cross_fitted"] for label in made] == [True] * 60 + [False] * 3
    table = json.loads((place / "head" / "head.json").read_text())["table"]
    first = made[1]
    assert table[first.pair.id] in (pytest.approx(first.p_a), pytest.approx(1 - first.p_a))
    agreed = sum(label.verdict == pair.label for label, pair in zip(made, given, strict=True))
    assert agreed >= 55
    one = made[0]
    assert (one.kind, one.method, one.constitution) == ("judge", "head", None)
    assert one.annotator.startswith("head:")
    assert one.extra["taught"] == "taught by 60 verdicts of Ada"
    row = json.loads(done.stdout)
    assert (row["rows"], row["failed"], row["judge"]) == (63, 0, one.annotator)


def test_a_head_of_the_workspace_is_named_by_its_id(place, tiny):
    labelled(place, judged=False)
    out = place / "home" / "runs" / "20260101-000000-job" / "out"
    words = ["labels", "learn", "--labels", place / "labels.jsonl", "--model", f"path:{tiny}"]
    done = run(*words, "--out", out, "--json")
    row = json.loads(done.stdout)
    assert row["beside"] is None
    write(place / "pairs.jsonl", (pair.to_row() for pair in pairs(4)))
    assert judge(place, row["head"]).exit_code == 0
    assert {label.annotator for label in labels_in(place / "out.jsonl")} == {row["head"]}


def test_features_are_read_once_and_then_come_from_the_cache(place, tiny):
    labelled(place)
    write(place / "pairs.jsonl", (pair.to_row() for pair in pairs()))
    words = ["features", "--pairs", place / "pairs.jsonl", "--model", f"path:{tiny}"]
    first = json.loads(run(*words, "--out", place / "one.json", "--json").stdout)
    assert (first["pairs"], first["failed"], first["answers_from_cache"]) == (60, 0, 0)
    again = json.loads(run(*words, "--out", place / "two.json", "--json").stdout)
    assert again["answers_from_cache"] == 120
    assert json.loads((place / "two.json").read_text())["numbers"] == 5 * 32
    (tiny / "model.safetensors").rename(tiny / "aside")  # what follows loads no weights
    try:
        refused = learn(place, tiny, "--cache", "none")
        assert refused.exit_code == 1
    finally:
        (tiny / "aside").rename(tiny / "model.safetensors")


def test_features_without_a_cache_are_refused(place, tiny):
    write(place / "pairs.jsonl", (pair.to_row() for pair in pairs(2)))
    words = ["features", "--pairs", place / "pairs.jsonl", "--model", f"path:{tiny}"]
    done = run(*words, "--out", place / "o.json", "--cache", "none")
    assert done.exit_code == 1
    assert "kept in the cache" in done.output


def test_fewer_than_fifty_verdicts_are_refused_in_a_sentence_before_anything_is_read(place):
    labelled(place, 20)
    done = learn(place, place / "no model")
    assert done.exit_code == 1
    assert "needs first blind verdicts on 50 pairs and there are 20; review 30 more" in done.output


def test_a_pair_that_does_not_fit_is_left_out_when_learning_and_fails_when_judging(place, tiny):
    long = Pair.of((user("tea?"),), "tea " * 3000, "no")
    rows = labelled(place, judged=False).read_text()
    row = Label(long, "b", None, kind="person", annotator="Ada").to_row()
    (place / "labels.jsonl").write_text(rows + json.dumps(row) + "\n")
    done = learn(place, tiny)
    assert done.exit_code == 0, done.output
    assert f"left out: {long.id}" in done.output
    write(place / "pairs.jsonl", (pair.to_row() for pair in [*pairs(3), long]))
    assert judge(place, str(place / "head")).exit_code == 0
    last = labels_in(place / "out.jsonl")[-1]
    assert last.verdict is None
    assert "window holds" in last.error


def test_other_weights_than_those_that_it_learned_from_are_refused(place, tiny, tmp_path):
    labelled(place, judged=False)
    other = save_tiny_model(tmp_path / "model", seed=1)
    assert learn(place, other).exit_code == 0
    save_tiny_model(other, seed=2)
    write(place / "pairs.jsonl", (pair.to_row() for pair in pairs(2)))
    done = judge(place, str(place / "head"))
    assert done.exit_code == 1
    assert "learned from other features" in done.output


def test_a_model_elsewhere_cannot_be_learned_from(place, tiny):
    labelled(place)
    (place / "home").mkdir()
    (place / "home" / "settings.yaml").write_text(
        "endpoints: [{name: lab, base_url: 'http://127.0.0.1:9/v1'}]"
    )
    words = ["labels", "learn", "--labels", place / "labels.jsonl", "--out", place / "h"]
    done = run(*words, "--model", "endpoint:lab/x")
    assert done.exit_code == 1
    assert "shows no hidden states" in done.output


@pytest.mark.parametrize(
    ("more", "said"),
    [(("--panel", "endpoint:lab/x"), "sits on no panel")],
)
def test_a_learned_judge_sits_on_no_panel(place, tiny, more, said):
    labelled(place, judged=False)
    assert learn(place, tiny).exit_code == 0
    write(place / "pairs.jsonl", (pair.to_row() for pair in pairs(2)))
    done = judge(place, str(place / "head"), *more)
    assert done.exit_code == 2
    assert said in done.output


def test_a_judge_that_is_a_model_needs_a_constitution(place):
    write(place / "pairs.jsonl", (pair.to_row() for pair in pairs(2)))
    done = judge(place, "builtin:smollm2-135m-instruct")
    assert done.exit_code == 2
    assert "--constitution" in done.output


def test_reading_and_learning_can_be_jobs():
    assert argv("learn", {"labels": "l.jsonl", "model": "m"}) == (
        *("labels", "learn", "--labels", "l.jsonl", "--model", "m", "--out", "out"),
    )
    assert argv("features", {"pairs": "p.jsonl", "model": "m"})[-1] == "result.json"


def test_the_conversation_that_is_read_ends_in_the_answer():
    from cai_core.feedback.features import answered

    pair = pairs(1)[0]
    assert answered(pair)[1] == (*pair.prompt, assistant(pair.response_b))
