"""Two different answers a prompt."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.errors import ModelError, Stopped
from cai_core.feedback.sample import ALIKE, BATCH, SAME, TWICE, sample_pairs
from cai_core.models import catalogue
from cai_core.models.catalogue import known
from cai_core.schema import Completion, Hooks, Pair, Prompt, Sampling, Usage, user
from cai_core.settings import Settings
from tests.tiny import save_tiny_model


class Seeded:
    """Answers with its seed, or with what a chat is told to bring."""

    id = "seeded"

    def __init__(self, *, says=lambda chat, seed: f"answer {seed} of {seed}"):
        self.says = says
        self.usage = Usage()

    def generate(self, chats, params, *, hooks=None):
        return [Completion(self.says(chat, params.seed), 2, True) for chat in chats]


def prompts(n):
    return [Prompt(f"p{i}", (user(f"question {i}"),), tags=("t",), split="dev") for i in range(n)]


def test_a_pair_has_two_answers_of_two_seeds_and_says_how_it_was_sampled():
    (pair,) = sample_pairs(prompts(1), Seeded(), Sampling(temperature=0.8, seed=4))
    assert (pair.response_a, pair.response_b) == ("answer 4 of 4", "answer 5 of 5")
    assert pair.extra["seeds"] == [4, 5]
    assert pair.extra["sampling"] == {
        "max_new_tokens": 256,
        "temperature": 0.8,
        "top_p": 1.0,
        "top_k": 0,
        "seed": 4,
    }
    assert pair.extra["prompt_id"] == "p0"
    assert pair.extra["split"] == "dev"
    assert Pair.from_row(pair.to_row()) == pair


def test_equal_answers_are_sampled_again():
    model = Seeded(says=lambda chat, seed: "same" if seed < 1000 else "other")
    (pair,) = sample_pairs(prompts(1), model, Sampling())
    assert {pair.response_a, pair.response_b} == {"same", "other"}


@pytest.mark.parametrize(
    "second",
    [
        "one two three four five six seven eight nine ten!",
        "One two three four five six seven eight nine, TEN.",
        "one two three four five six seven eight nine eleven",
    ],
)
def test_nearly_equal_answers_are_sampled_again_and_the_row_says_with_which_seed(second):
    first = "one two three four five six seven eight nine ten"
    said = {0: first, 1: second, 1000: second, 1001: "something else"}
    model = Seeded(says=lambda chat, seed: said[seed])
    (pair,) = sample_pairs(prompts(1), model, Sampling(top_p=0.9, top_k=7))
    assert (pair.response_a, pair.response_b) == (first, "something else")
    assert pair.extra["seeds"] == [0, 1001]
    assert (pair.extra["sampling"]["top_p"], pair.extra["sampling"]["top_k"]) == (0.9, 7)


def test_answers_that_stay_nearly_equal_are_left_out_with_the_reason():
    model = Seeded(says=lambda chat, seed: "Tea." if seed == 0 else "tea")
    (pair,) = sample_pairs(prompts(1), model, Sampling())
    assert pair.extra["error"] == ALIKE


def test_two_answers_to_one_question_that_say_different_things_are_a_pair():
    said = {0: "Boil the water, then add the leaves.", 1: "Boil the water, then add the milk."}
    (pair,) = sample_pairs(prompts(1), Seeded(says=lambda chat, seed: said[seed]), Sampling())
    assert not pair.extra.get("error")


def test_answers_that_stay_equal_are_left_out_with_the_reason():
    (pair,) = sample_pairs(prompts(1), Seeded(says=lambda chat, seed: "same"), Sampling())
    assert pair.extra["error"] == SAME


def test_a_prompt_that_fails_costs_only_itself():
    def says(chat, seed):
        if chat[-1].content == "question 3":
            raise ModelError("too long")
        return f"answer {seed} of {seed}"

    pairs = list(sample_pairs(prompts(6), Seeded(says=says), Sampling()))
    assert [bool(pair.extra.get("error")) for pair in pairs] == [False] * 3 + [True] + [False] * 2


def test_a_prompt_that_stands_twice_gives_one_pair(tmp_path):
    same = [Prompt("p1", (user("q"),)), Prompt("p2", (user("q"),))]
    one, other = sample_pairs(same, Seeded(), Sampling())
    assert not one.extra.get("error")
    assert other.extra["error"] == TWICE


def test_a_stop_between_batches_keeps_the_pairs_so_far():
    asked = iter([False, True])
    got = []
    with pytest.raises(Stopped):
        for pair in sample_pairs(
            prompts(2 * BATCH), Seeded(), Sampling(), hooks=Hooks(should_stop=lambda: next(asked))
        ):
            got.append(pair)
    assert len(got) == BATCH


def test_the_command_writes_one_row_a_prompt_and_again_changes_nothing(tmp_path):
    model = save_tiny_model(tmp_path / "tiny")
    source = tmp_path / "p.jsonl"
    source.write_text("".join(json.dumps(p.to_row()) + "\n" for p in prompts(3)))
    out = tmp_path / "pairs.jsonl"
    command = ["sample-pairs", "--prompts", str(source), "--model", f"path:{model}"]
    command += ["--max-new-tokens", "8", "--cache", "none", "--out", str(out)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["prompt_id"] for row in rows] == ["p0", "p1", "p2"]
    assert all(row["response_a"] != row["response_b"] for row in rows if not row.get("error"))
    before = out.read_bytes()
    assert CliRunner().invoke(main, command).exit_code == 0
    assert out.read_bytes() == before


def test_pairs_that_could_not_be_sampled_are_left_out_by_readers_and_listed(tmp_path):
    from cai_core.curate.formats import read_pairs

    good = Pair.of((user("q"),), "one", "two").to_row()
    failed = {"id": "p", "prompt": "q2", "response_a": "", "response_b": "", "error": "timed out"}
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(good) + "\n" + json.dumps(failed) + "\n")
    found = read_pairs(path)
    assert len(found.rows) == 1
    assert "timed out" in str(found.bad[0])


@pytest.mark.parametrize("part", ["", "sft"])
def test_any_finished_run_is_offered_and_can_be_sampled_from(tmp_path, monkeypatch, part):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    folder = save_tiny_model(tmp_path / "home" / "runs" / "r1" / "out" / part)
    (folder / "run.json").write_text(json.dumps({"method": "sft", "base_model": "path:x"}))
    name = f"run:r1/{part}".rstrip("/")
    assert name in [item.id for item in known(Settings.load())]
    (tmp_path / "p.txt").write_text("How?\nWhy?\n")
    words = ["sample-pairs", "--prompts", str(tmp_path / "p.txt"), "--model", name, "--cache"]
    words += ["none", "--max-new-tokens", "8", "--top-p", "0.95", "--top-k", "40", "--out"]
    done = CliRunner().invoke(main, [*words, str(tmp_path / "pairs.jsonl")])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert {row["model"] for row in rows} == {name}
    assert {(row["sampling"]["top_p"], row["sampling"]["top_k"]) for row in rows} == {(0.95, 40)}


def test_only_the_prompts_that_failed_are_asked_again(tmp_path, monkeypatch):
    (tmp_path / "p.txt").write_text("How?\nWhy?\n")
    words = [
        "sample-pairs",
        "--prompts",
        str(tmp_path / "p.txt"),
        "--model",
        "x",
        "--cache",
        "none",
    ]
    words += ["--json", "--out", str(tmp_path / "pairs.jsonl")]

    def run(says):
        monkeypatch.setattr(catalogue, "load", lambda model_id, **more: Seeded(says=says))
        return json.loads(CliRunner().invoke(main, words).stdout)

    def busy(chat, seed):
        if "How" in chat[0].content:
            raise ModelError("busy for 30 s")
        return f"answer {seed} of {seed}"

    assert run(busy)["failed_by_reason"] == {"busy for … s": 1}
    asked = []

    def ready(chat, seed):
        asked.append(chat[0].content)
        return f"answer {seed} of {seed}"

    assert run(ready)["failed"] == 0
    assert set(asked) == {"How?"}
