"""A budget on the command line: a run that ends at it, and goes on with a higher one."""

import json

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.jobs import folder
from cai_core.settings import Endpoint, Settings
from tests.models.stub import Stub, completion, failure, serving

PROMPTS = 80


def answer(body):
    return completion(f"{body['messages'][-1]['content']} {body['seed']}")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    rows = [json.dumps({"id": str(n), "prompt": f"Question {n}?"}) for n in range(PROMPTS)]
    (tmp_path / "prompts.jsonl").write_text("\n".join(rows))
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.fixture
def stub(place):
    with serving(Stub(reply=answer)) as stub:
        configure(stub)
        yield stub


def configure(stub, **more):
    lab = Endpoint(name="lab", base_url=stub.url, models=["m"], retries=0, concurrency=2, **more)
    Settings(endpoints=(lab,)).save()


def sample(place, *more):
    words = ["sample-pairs", "--prompts", place / "prompts.jsonl", "--model", "endpoint:lab/m"]
    words += ["--max-new-tokens", "20", "--out", place / "pairs.jsonl", *more]
    return CliRunner().invoke(main, [str(word) for word in words])


def spent(place):
    row = json.loads((place / "pairs.jsonl.spent.json").read_text())
    return row["prompt_tokens"] + row["tokens"]


def test_a_run_ends_at_its_budget_and_a_higher_one_goes_on(place, stub):
    done = sample(place, "--budget-tokens", 1400)
    assert done.exit_code == 1
    assert "the budget of 1,400 tokens is used up after 64 rows" in done.stderr
    assert "raise --budget-tokens and the same command continues" in done.stderr
    part = (place / "pairs.jsonl.part").read_text().splitlines()
    assert len(part) == 64  # whole batches; the answers beside them are in the cache
    assert 1280 < spent(place) <= 1400
    again = sample(place, "--budget-tokens", 1400)
    assert "is used up after 64 rows" in again.stderr  # it is the run's, not the attempt's
    done = sample(place, "--budget-tokens", 100000)
    assert done.exit_code == 0, done.output
    assert len((place / "pairs.jsonl").read_text().splitlines()) == PROMPTS
    assert len(stub.asked) == 2 * PROMPTS  # nothing was asked twice
    assert spent(place) == 10 * len(stub.asked)


def test_a_cost_is_held_to_at_the_prices_of_the_settings(place, stub):
    refused = sample(place, "--budget-cost", 1)
    assert refused.exit_code == 1
    assert "endpoint 'lab' has no prices" in refused.stderr
    assert stub.asked == []
    configure(stub, prompt_price=1000, completion_price=1000)
    done = sample(place, "--budget-cost", 1.4)
    assert "the budget of 1.40 is used up after 64 rows" in done.stderr


def test_a_failed_request_is_not_counted(place):
    with serving(Stub([failure(500, "oops")])) as stub:
        configure(stub)
        assert sample(place, "--budget-tokens", 5000).exit_code == 1
    assert not (place / "pairs.jsonl.spent.json").exists()


def test_a_job_says_how_it_goes_on_and_does_with_a_raised_budget(place, stub):
    job = place / "20260102-a"
    folder.create(job, {}, {})
    done = sample(place, "--budget-tokens", 30, "--job", job)
    assert done.exit_code == 1
    end = folder.read_end(job)
    assert end.state == "failed"
    assert "jobs resume 20260102-a --budget-tokens N` goes on" in end.reason
    folder.raise_budget(job, {"tokens": 100000})
    assert sample(place, "--budget-tokens", 30, "--job", job).exit_code == 0
    assert folder.read_end(job).state == "succeeded"
