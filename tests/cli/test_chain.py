"""The whole chain on a tiny real model that is its own judge."""

import json
import shutil

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.feedback.comparison import Wording, comparison_question, template_named
from cai_core.jobs import folder
from cai_core.models.rendering import ChatRenderer
from cai_core.schema import Pair, Principle, user
from tests.tiny import save_tiny_model, tiny_tokenizer
from tests.train.conftest import sft_rows, write_dataset

PRINCIPLE = {"key": "kind", "text": "Which answer is kinder?", "critique": "", "revision": ""}
SMALL = {
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 1,
    "learning_rate": 1e-3,
}
SPLITS = {"train": 8, "dev": 3, "test": 4}
PROMPTS = sum(SPLITS.values())


@pytest.fixture(autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


def teach_to_judge(place):
    """Let a random model spend its probability on the two options where a judge is asked."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = tiny_tokenizer()
    renderer = ChatRenderer(tokenizer)
    question, wording = comparison_question(Principle(**PRINCIPLE)), Wording(template_named(""))
    texts = []
    options = [text for variants in wording.options for text in variants]
    for i, option in enumerate(options * 2):
        pair = Pair.of((user(f"Is it {i}?"),), "yes yes", f"no {i}")
        texts.append(renderer.text(wording.comparison_chat(pair, question)) + option)
    model = AutoModelForCausalLM.from_pretrained(place, dtype="float32")
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    batch = tokenizer(texts, padding=True, padding_side="left", return_tensors="pt")
    for _ in range(30):
        logits = model(**batch).logits[:, -2]
        loss = torch.nn.functional.cross_entropy(logits, batch["input_ids"][:, -1])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(place)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    place = save_tiny_model(tmp_path_factory.mktemp("tiny"))
    teach_to_judge(place)
    return place


@pytest.fixture
def place(tiny, tmp_path, monkeypatch):
    """A folder with everything that a chain needs; nothing reaches the real workspace."""
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    write_dataset(tmp_path / "sft-data", "sft", train=sft_rows(8), dev=sft_rows(2, 20))
    prompts = [
        {"prompt": f"Is it {split} {i}?", "split": split}
        for split, count in SPLITS.items()
        for i in range(count)
    ]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts))
    constitution = {"name": "Kind", "principles": [PRINCIPLE]}
    (tmp_path / "constitution.yaml").write_text(json.dumps(constitution))
    write_config(tmp_path, tiny)
    return tmp_path


def write_config(place, tiny, **more):
    config = {
        **{"data": "sft-data", "prompts": "prompts.jsonl", "constitution": "constitution.yaml"},
        **{"model": f"path:{tiny}", "judge": {"model": f"path:{tiny}"}},
        "sampling": {"max_new_tokens": 8},
        "sft": SMALL,
        "reward": SMALL,
        "ppo": SMALL | {"response_length": 6, "num_ppo_epochs": 1},
        **{"best_of_n": 2, "best_of_n_prompts": 2, "comparison_prompts": 4},
    }
    (place / "chain.yaml").write_text(json.dumps(config | more))


def run(place, *arguments, out="out"):
    command = ["train", "chain", "--config", place / "chain.yaml", "--out", place / out]
    return CliRunner().invoke(main, [str(part) for part in (*command, *arguments)])


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def read(path):
    return json.loads(path.read_text())


def job_in(place):
    job = place / "job"
    folder.create(job, {}, {})
    return job


def test_a_chain_makes_three_models_and_a_report(place):
    done = run(place, "--json")
    assert done.exit_code == 0, done.output
    out = place / "out"
    for part, method in (("sft", "sft"), ("reward", "reward"), ("ppo", "ppo")):
        assert read(out / part / "run.json")["method"] == method
    pairs, labels = rows(out / "pairs.jsonl"), rows(out / "labels.jsonl")
    assert len(pairs) == len(labels) == PROMPTS
    assert {row["split"] for row in pairs} == set(SPLITS)
    assert {row["inconsistent"] for row in labels if row["verdict"]} <= {True, False}
    assert read(out / "preference" / "manifest.json")["kind"] == "preference"
    assert read(out / "best_of_n.json")["prompts"] == 2
    after_sft, after_base = read(out / "comparison.json")["comparisons"]
    assert after_sft["model_a"] == after_base["model_a"] == f"path:{out / 'ppo'}"
    assert after_sft["model_b"] == f"path:{out / 'sft'}"
    assert after_sft["estimate"]["n"] + after_sft["failed"] == SPLITS["test"]
    page = (out / "report.html").read_text()
    assert "What the reward model loves" in page
    assert [stage["name"] for stage in read(out / "report.json")["stages"]] == [
        *("sft", "pairs", "judge", "gate", "reward", "best-of-n", "ppo", "comparison")
    ]
    assert json.loads(done.stdout)["report"] == str(out / "report.html")


def test_the_models_know_what_went_into_them(place, tiny):
    assert run(place).exit_code == 0
    out = place / "out"
    assert read(out / "reward" / "run.json")["judges"] == [f"path:{tiny}"]
    ppo = read(out / "ppo" / "run.json")
    assert ppo["base_model"] == f"path:{out / 'sft'}"
    assert ppo["reward_model"] == f"path:{out / 'reward'}"
    comparison = read(out / "comparison.json")["comparisons"][0]
    assert comparison["independent"] is False
    assert any("judge from outside" in alarm for alarm in read(out / "report.json")["alarms"])


def test_a_finished_chain_has_nothing_left_to_do(place):
    assert run(place).exit_code == 0
    names = ("sft/run.json", "labels.jsonl", "reward/run.json", "ppo/run.json", "comparison.json")
    before = [(place / "out" / name).stat().st_mtime_ns for name in names]
    again = run(place)
    assert again.exit_code == 0, again.output
    assert [(place / "out" / name).stat().st_mtime_ns for name in names] == before


def test_other_settings_in_the_same_folder_are_refused(place):
    assert run(place).exit_code == 0
    other = run(place, "--set", "best_of_n=3")
    assert other.exit_code == 1
    assert "best_of_n was 2 and is now 3" in other.stderr


@pytest.mark.parametrize("after", ["sft", "judge", "best-of-n"])
def test_a_stopped_chain_goes_on_where_it_was(place, after):
    """Stop is asked for as soon as a stage has finished; the next attempt does the rest."""
    job = job_in(place)
    from cai_core.cli import chain

    tell = chain._tell

    def telling(asked, name, state):
        tell(asked, name, state)
        if (name, state) == (after, "finished"):
            folder.stop(job)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "_tell", telling)
        assert run(place, "--job", job).exit_code == 1
    end = folder.read_end(job)
    assert end is not None
    assert end.state == "cancelled"
    assert not (place / "out" / "report.html").exists()
    kept = (place / "out" / "sft" / "run.json").stat().st_mtime_ns
    folder.reset(job)
    done = run(place, "--job", job)
    assert done.exit_code == 0, done.output
    assert (place / "out" / "sft" / "run.json").stat().st_mtime_ns == kept
    assert (place / "out" / "report.html").exists()


def test_metrics_and_events_name_their_stage(place):
    job = job_in(place)
    assert run(place, "--job", job).exit_code == 0
    names = {name for row in rows(job / "metrics.jsonl") for name in row["values"]}
    assert {"sft/loss", "sft/eval_loss", "reward/accuracy", "ppo/objective/kl"} <= names
    assert all(name.split("/")[0] in ("sft", "reward", "ppo") for name in names)
    stages = [row["stage"] for row in rows(job / "events.jsonl") if row["event"] == "stage"]
    assert stages[::2] == ["sft", "pairs", "judge", "reward", "best-of-n", "ppo", "comparison"]


def test_a_chain_with_audit_waits_and_takes_verdicts_over_the_judge(place, tiny):
    write_config(place, tiny, audit=True)
    job = job_in(place)
    assert run(place, "--job", job).exit_code == 1
    end = folder.read_end(job)
    assert end is not None
    assert (end.state, end.result["labels"]) == ("held", PROMPTS)
    assert not (place / "out" / "reward").exists()
    judged = [row for row in rows(place / "out" / "labels.jsonl") if row["verdict"] in ("a", "b")]
    row = judged[0]
    verdict = {name: row[name] for name in ("id", "prompt", "response_a", "response_b")}
    verdict |= {"verdict": "b" if row["verdict"] == "a" else "a", "kind": "person", "judge": "ann"}
    verdict["p_a"] = 1.0 if verdict["verdict"] == "a" else 0.0
    verdict["review"] = {"blind": True, "queue": "all", "pi": 1.0, "reviewer": "ann", "first": True}
    (job / "verdicts.jsonl").write_text(json.dumps(verdict) + "\n")
    folder.reset(job)
    done = run(place, "--job", job)
    assert done.exit_code == 0, done.output
    prefer = row["response_b"] if row["verdict"] == "a" else row["response_a"]
    dataset = place / "out" / "preference"
    found = [r for split in SPLITS for r in rows(dataset / f"{split}.jsonl")]
    (mine,) = [r for r in found if r["prompt"] == row["prompt"]]
    assert (mine["chosen"][0]["content"], mine["p_chosen"]) == (prefer, 1.0)
    gate = next(s for s in read(place / "out" / "report.json")["stages"] if s["name"] == "gate")
    assert gate["numbers"]["agreement with people"]["value"] == 0


def test_a_closed_gate_ends_the_chain_with_a_report(place, tiny):
    write_config(place, tiny, judge={"model": f"path:{tiny}", "tie_band": 0.49})
    done = run(place)
    assert done.exit_code == 1
    assert "the gate is closed: 0% of 15 pairs" in done.stderr
    assert "not passed" in (place / "out" / "report.html").read_text()
    assert not (place / "out" / "reward").exists()


def test_a_gate_that_asks_for_agreement_stays_closed_while_nobody_reviewed(place, tiny):
    write_config(place, tiny, gate={"min_agreement": 0.5})
    done = run(place)
    assert done.exit_code == 1
    assert "no first blind verdict" in done.stderr


def test_helpful_pairs_make_their_share(place, tiny):
    pairs = [
        {"prompt": f"How {i}?", "response_a": f"so {i}", "response_b": "no", "label": "a"}
        for i in range(30)
    ]
    (place / "helpful.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    write_config(place, tiny, helpful={"path": "helpful.jsonl", "share": 0.5})
    assert run(place).exit_code == 0
    manifest = read(place / "out" / "preference" / "manifest.json")
    assert manifest["helpful_share"] == {"asked": 0.5, "actual": 0.5}


def test_everything_that_is_wrong_is_said_before_anything_starts(place):
    write_config(
        place,
        place / "nowhere",
        data="no-data",
        constitution="none.yaml",
        helpful={"path": "none.jsonl", "share": 0.4},
        judge={"model": "endpoint:lab/big"},
    )
    (place / "prompts.jsonl").write_text('{"prompt": "Is it?", "split": "train"}\n')
    done = run(place)
    assert done.exit_code == 1
    for sentence in (
        *("nowhere is not a folder", "there is no dataset at", "none.yaml", "none.jsonl"),
        *("no endpoint is called 'lab'", "no prompt is in dev (for the preview"),
    ):
        assert sentence in done.stderr, sentence
    assert done.stderr.count("\n- ") == 6
    assert not (place / "out").exists()


def test_too_few_helpful_pairs_and_a_full_disk_are_found_before_the_start(place, tiny, monkeypatch):
    row = {"prompt": "How?", "response_a": "so", "response_b": "no", "label": "a"}
    (place / "helpful.jsonl").write_text(json.dumps(row) + "\n")
    write_config(place, tiny, helpful={"path": "helpful.jsonl", "share": 0.5})
    usage = shutil.disk_usage(place)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    done = run(place)
    assert "needs 15 helpful pairs and there are 1" in done.stderr
    assert "GB free and the chain needs up to" in done.stderr


def test_prompts_may_be_a_frozen_dataset(place, tiny):
    splits = {
        split: [{"prompt": [{"role": "user", "content": f"Is it {split} {i}?"}]} for i in range(n)]
        for split, n in SPLITS.items()
    }
    write_dataset(place / "prompts", "prompts", **splits)
    write_config(place, tiny, prompts="prompts")
    assert run(place).exit_code == 0
    assert not (place / "out" / "prompts").exists()


def test_a_chain_that_is_a_job_names_its_models_by_the_run(place):
    from cai_core.settings import runs_dir

    job = runs_dir() / "r1"
    job.parent.mkdir(parents=True)
    folder.create(job, {}, {})
    done = run(place, "--job", job, out=job / "out")
    assert done.exit_code == 0, done.output
    after_sft, _ = read(job / "out" / "comparison.json")["comparisons"]
    assert (after_sft["model_a"], after_sft["model_b"]) == ("run:r1/ppo", "run:r1/sft")
    ppo = read(job / "out" / "ppo" / "run.json")
    assert (ppo["base_model"], ppo["reward_model"]) == ("run:r1/sft", "run:r1/reward")


def test_a_panel_judges_in_a_chain_and_is_named_where_its_labels_went(place, tiny):
    twin = shutil.copytree(tiny, place / "twin")
    judges = [f"path:{tiny}", f"path:{twin}"]
    write_config(place, tiny, judge={"model": judges[0], "panel": judges[1:]})
    done = run(place)
    assert done.exit_code == 0, done.output
    labels = rows(place / "out" / "labels.jsonl")
    assert {row["judge"] for row in labels} == {"panel:majority:" + " + ".join(sorted(judges))}
    assert [ballot["judge"] for ballot in labels[0]["panel"]] == judges
    assert read(place / "out" / "reward" / "run.json")["judges"] == judges
    comparison = read(place / "out" / "comparison.json")["comparisons"][0]
    assert comparison["independent"] is False
    assert "2 of the panel's 2 judges" in comparison["independence"]


def test_a_panel_with_a_judge_that_is_not_there_cannot_start(place, tiny):
    write_config(place, tiny, judge={"model": f"path:{tiny}", "panel": ["path:nowhere"]})
    done = run(place)
    assert done.exit_code == 1
    assert "nowhere is not a folder" in done.stderr
