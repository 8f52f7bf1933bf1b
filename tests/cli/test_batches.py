"""Long batches: memory, kills at any moment, and which rows a killed one holds."""

import json
import random
import subprocess
import sys
import time

import pytest

from cai_core.schema import Constitution, Principle, Prompt
from cai_core.settings import PROJECT_DIR
from tests.bench import bench_batches
from tests.tiny import save_tiny_model

RULES = Constitution("rules", (Principle("true", text="Which is more true?"),))


@pytest.mark.parametrize("name", bench_batches.COMMANDS)
def test_a_long_batch_costs_less_than_a_kilobyte_of_memory_a_row(name):
    small, large = bench_batches.measured(500, name), bench_batches.measured(4500, name)
    assert bench_batches.per_item(small, large, 4000) < bench_batches.BOUND


@pytest.mark.slow
@pytest.mark.timeout(1200)  # two minutes of two cores that are its own
@pytest.mark.parametrize("name", bench_batches.COMMANDS)
def test_a_hundred_thousand_rows_cost_less_than_a_hundred_megabytes(name):
    small, large = bench_batches.measured(1000, name), bench_batches.measured(100_000, name)
    assert large["peak"] - small["peak"] < 100 * 2**20


@pytest.fixture
def place(tmp_path):
    """Prompts of very different lengths in no order, and a tiny real model."""
    save_tiny_model(tmp_path / "tiny")
    rng = random.Random(0)
    prompts = [Prompt.of(f"Question {n}? " + "why " * rng.choice([1, 5, 120])) for n in range(100)]
    lines = [json.dumps(prompt.to_row()) + "\n" for prompt in prompts]
    (tmp_path / "prompts.jsonl").write_text("".join(lines))
    (tmp_path / "c.yaml").write_text(json.dumps(RULES.to_row()))
    return tmp_path


def begin(place, out):
    files = ["--prompts", place / "prompts.jsonl", "--constitution", place / "c.yaml"]
    how = ["--model", f"path:{place / 'tiny'}", "--no-examples", "--max-new-tokens", 5]
    words = ["revise", *files, *how, "--cache", "none", "--out", place / out]
    command = [sys.executable, "-m", "cai_core", *words]
    return subprocess.Popen(
        [str(word) for word in command], cwd=PROJECT_DIR, stderr=subprocess.DEVNULL
    )


def ids(path):
    return [json.loads(line)["id"] for line in path.read_bytes().split(b"\n")[:-1]]


def killed_after_more(place, out, more):
    """Kill the command once it has written `more` rows more, or let it end; whether it was killed."""
    part = place / f"{out}.part"
    goal = (len(ids(part)) if part.exists() else 0) + more
    process = begin(place, out)
    while process.poll() is None:
        if part.exists() and part.read_bytes().count(b"\n") >= goal:
            process.kill()
            process.wait()
            return True
        time.sleep(0.002)
    assert process.returncode == 0
    return False


def test_a_command_killed_again_and_again_ends_with_the_file_of_one_that_was_not(place):
    asked = ids(place / "prompts.jsonl")
    rng = random.Random(7)
    kills = 0
    while killed_after_more(place, "rows.jsonl", rng.randrange(1, 40)) and kills < 12:
        kills += 1
        kept = ids(place / "rows.jsonl.part")
        first = list(dict.fromkeys(kept))
        assert first == asked[: len(first)]  # a prefix of the input, whatever the lengths
    assert kills >= 2
    assert begin(place, "whole.jsonl").wait() == 0
    assert ids(place / "rows.jsonl") == asked
    assert (place / "rows.jsonl").read_bytes() == (place / "whole.jsonl").read_bytes()
