"""Memory and rate of the batch commands over 1,000, 10,000 and 100,000 rows, with a model that costs nothing.

What is measured is the command around the model: reading and checking the file, writing a row, and
the whole file at the end. Each run is a process of its own.
"""

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from cai_core.models.scripted import ScriptedModel
from cai_core.schema import (
    Chat,
    Completion,
    Constitution,
    Hooks,
    Pair,
    Principle,
    Prompt,
    Sampling,
    user,
)
from cai_core.settings import PROJECT_DIR
from cai_core.stats import FloatArray

SIZES = (1_000, 10_000, 100_000)
COMMANDS = ("judge", "revise", "sample-pairs")
BOUND = 1024  # bytes an item at most: 100,000 items cost less than 100 MB
WORDS = 60  # of an answer: the hh pairs' answers have 50 words on average
QUIET = Hooks()
RULES = Constitution("bench", (Principle("kind", text="Which answer is kinder?"),))


class FastModel(ScriptedModel):
    """Judges by a rule and writes the same words in no time, and remembers nothing."""

    def generate(
        self, chats: Sequence[Chat], params: Sampling, *, hooks: Hooks = QUIET
    ) -> list[Completion]:
        words = " ".join(f"{chr(97 + params.seed % 26)}{n}" for n in range(WORDS))
        return [Completion(f"{words} {chat[0].content}", WORDS, True) for chat in chats]

    def score_choices(self, chats: Sequence[Chat], choices: Sequence[str]) -> FloatArray:
        wins = np.array([[float(len(chat[0].content) % 3 == 0)] for chat in chats])
        first = np.array([[1.0 if choice.strip() == "A" else 0.0 for choice in choices]])
        known = np.isin(choices, [" A", " B"])
        scores: FloatArray = np.where(known, np.log(0.3 + 0.4 * np.abs(first - wins)), -np.inf)
        return scores


def write_inputs(place: Path, count: int) -> None:
    """A file of pairs, each with words of its own, one of their prompts, and a constitution."""
    pairs, prompts = place / "pairs.jsonl", place / "prompts.jsonl"
    with pairs.open("w", encoding="utf-8") as file, prompts.open("w", encoding="utf-8") as asked:
        for n in range(count):
            words = " ".join(f"word{n * 7 % 1000}{i}" for i in range(WORDS))
            pair = Pair.of((user(f"Question {n}?"),), f"{words} yes", f"{words} no")
            file.write(json.dumps(pair.to_row()) + "\n")
            asked.write(json.dumps(Prompt.of(f"Question {n}? {words}").to_row()) + "\n")
    (place / "c.yaml").write_text(json.dumps(RULES.to_row()))


def run_in(place: Path, name: str) -> dict[str, float]:
    """Run a command in this process; its seconds and the highest memory that the process had."""
    from cai_core.cli.main import main
    from cai_core.models import catalogue

    catalogue.load = lambda model_id, **more: FastModel()  # type: ignore[assignment]
    source = "pairs" if name == "judge" else "prompts"
    words = [name, f"--{source}", place / f"{source}.jsonl", "--out", place / "out.jsonl"]
    words += ["--cache", "none"] + ([] if name == "judge" else ["--model", "fast"])
    words += [] if name == "sample-pairs" else ["--constitution", place / "c.yaml"]
    began = time.perf_counter()
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return {"seconds": time.perf_counter() - began, "peak": float(peak_bytes())}


def peak_bytes() -> int:
    """The highest memory that this process had.

    On Linux not by getrusage: there a process begins with the peak of the one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        assert found is not None
        return int(found.group(1)) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measured(count: int, name: str = "judge") -> dict[str, float]:
    """One run of a command in a process of its own, over `count` rows."""
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(Path(folder), count)
        command = [sys.executable, "-m", "tests.bench.bench_batches", folder, name]
        done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
        with (Path(folder) / "out.jsonl").open("rb") as file:
            assert sum(1 for _ in file) == count
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def per_item(small: dict[str, float], large: dict[str, float], items: int) -> float:
    """Bytes of peak memory that `items` more items cost."""
    return (large["peak"] - small["peak"]) / items


def lines_of(name: str) -> list[str]:
    """The lines of a command in the table."""
    found = {count: measured(count, name) for count in SIZES}
    base, lines = found[SIZES[0]], []
    for count, one in found.items():
        more = count - SIZES[0]
        each = f"{per_item(base, one, more):.0f} B" if more else "–"
        rate, peak = count / one["seconds"], one["peak"] / 2**20
        lines.append(f"| {name} | {count:,} | {peak:.0f} MiB | {each} | {rate:,.0f}/s |")
    return lines


def run() -> str:
    rows = [line for name in COMMANDS for line in lines_of(name)]
    return "\n".join(
        [
            "## Memory of a long batch",
            "",
            f"Rows with answers of {WORDS} words, and a model that costs nothing: the commands alone."
            f" Bound: {BOUND} bytes of peak memory a further row.",
            "",
            "| command | rows | peak memory | a further row | rate |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


if __name__ == "__main__":
    print(json.dumps(run_in(Path(sys.argv[1]), sys.argv[2])))
