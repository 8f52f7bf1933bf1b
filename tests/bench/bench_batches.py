"""Memory and rate of `judge` over 1,000, 10,000 and 100,000 pairs, with a model that costs nothing.

What is measured is the command around the model: reading and checking the file, writing a row a pair,
marking inconsistent ones, and the whole file at the end. Each run is a process of its own.
"""

import json
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
from cai_core.schema import Chat, Constitution, Pair, Principle, user
from cai_core.settings import PROJECT_DIR
from cai_core.stats import FloatArray

SIZES = (1_000, 10_000, 100_000)
BOUND = 1024  # bytes an item at most: 100,000 items cost less than 100 MB
WORDS = 60  # of an answer: the hh pairs' answers have 50 words on average
RULES = Constitution("bench", (Principle("kind", text="Which answer is kinder?"),))


class FastModel(ScriptedModel):
    """Judges by a rule in no time, and remembers nothing."""

    def score_choices(self, chats: Sequence[Chat], choices: Sequence[str]) -> FloatArray:
        wins = np.array([[float(len(chat[0].content) % 3 == 0)] for chat in chats])
        first = np.array([[1.0 if choice.strip() == "A" else 0.0 for choice in choices]])
        known = np.isin(choices, [" A", " B"])
        scores: FloatArray = np.where(known, np.log(0.3 + 0.4 * np.abs(first - wins)), -np.inf)
        return scores


def write_inputs(place: Path, count: int) -> None:
    """A file of pairs, each with words of its own, and a constitution."""
    with (place / "pairs.jsonl").open("w", encoding="utf-8") as file:
        for n in range(count):
            words = " ".join(f"word{n * 7 % 1000}{i}" for i in range(WORDS))
            pair = Pair.of((user(f"Question {n}?"),), f"{words} yes", f"{words} no")
            file.write(json.dumps(pair.to_row()) + "\n")
    (place / "c.yaml").write_text(json.dumps(RULES.to_row()))


def judge_in(place: Path) -> dict[str, float]:
    """Run the command in this process; its seconds and the highest memory that the process had."""
    from cai_core.cli.main import main
    from cai_core.models import catalogue

    catalogue.load = lambda model_id, **more: FastModel()  # type: ignore[assignment]
    words = ["judge", "--pairs", place / "pairs.jsonl", "--constitution", place / "c.yaml"]
    words += ["--out", place / "labels.jsonl", "--cache", "none"]
    began = time.perf_counter()
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": time.perf_counter() - began, "peak": float(peak)}


def measured(count: int) -> dict[str, float]:
    """One run in a process of its own, over `count` pairs."""
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(Path(folder), count)
        command = [sys.executable, "-m", "tests.bench.bench_batches", folder]
        done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
        lines = (Path(folder) / "labels.jsonl").read_bytes().count(b"\n")
        assert lines == count
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def per_item(small: dict[str, float], large: dict[str, float], items: int) -> float:
    """Bytes of peak memory that `items` more items cost."""
    return (large["peak"] - small["peak"]) / items


def run() -> str:
    found = {count: measured(count) for count in SIZES}
    base = found[SIZES[0]]
    rows = []
    for count, one in found.items():
        more = count - SIZES[0]
        each = f"{per_item(base, one, more):.0f} B" if more else "–"
        rate, peak = count / one["seconds"], one["peak"] / 2**20
        rows.append(f"| {count:,} | {peak:.0f} MiB | {each} | {rate:,.0f}/s |")
    return "\n".join(
        [
            "## Memory of a long batch",
            "",
            f"`judge` over pairs with two answers of {WORDS} words, and a model that costs nothing: the"
            f" command alone. Bound: {BOUND} bytes of peak memory a further pair.",
            "",
            "| pairs | peak memory | a further pair | pairs judged |",
            "|---|---|---|---|",
            *rows,
        ]
    )


if __name__ == "__main__":
    print(json.dumps(judge_in(Path(sys.argv[1]))))
