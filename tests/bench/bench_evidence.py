"""Questions to stored votes: labels without each principle, and all evidence with the matrix.

Each time includes the read of the database. Votes are drawn, since what they say costs nothing: sixteen
principles on ten thousand pairs of which a person has read some, every fourth pair under one prompt.
"""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database

from cai_core.evaluate.evidence import evidence
from cai_core.evaluate.reweigh import reweigh, weights_in, without
from cai_core.evaluate.suggested import suggest
from cai_core.store import labels, votes
from cai_core.store.labels import JudgeUse
from tests.bench import hh, stored_votes
from tests.bench.timing import timed

PAIRS = 10_000
VERDICTS = (1_000, 10_000)  # pairs that a person has read
ROUNDS = 9
BOUNDS = {"without": 200, "evidence": 500}  # milliseconds


def questions(db: Database, use: JudgeUse) -> dict[str, Callable[[], object]]:
    """What the tab asks, each from the database on."""
    rules = hh.sixteen()
    weights = weights_in(rules, [principle.key for principle in rules.principles])

    def table(*, answers: bool) -> votes.VoteTable:
        return votes.read(db, use, answers=answers)

    return {
        "without": lambda: without(table(answers=False), weights, tie_band=0.0),
        "one": lambda: reweigh(table(answers=False), weights[::-1].cumsum(), tie_band=0.0),
        "evidence": lambda: evidence(table(answers=True), weights),
        "suggest": lambda: suggest(table(answers=False), weights),
    }


def milliseconds(verdicts: int) -> dict[str, list[float]]:
    """Of every question, all rounds; the first one, which loads libraries, is left out."""
    with tempfile.TemporaryDirectory() as folder:
        db = stored_votes.fill(Path(folder) / "r.db", hh.sixteen(), pairs=PAIRS, verdicts=verdicts)
        asked = questions(db, labels.judge_uses(db)[0])
        found: dict[str, list[float]] = {name: [] for name in asked}
        for turn in range(ROUNDS + 1):
            for name, ask in asked.items():
                seconds, _ = timed(ask)
                if turn:
                    found[name].append(1000 * seconds)
        db.close()
    return found


_NAMES = {
    "without": "the labels without each of the 16 principles, flips and agreement of each",
    "one": "the labels under other weights (one move of a slider)",
    "evidence": "all evidence: counts, agreement, leans, matrix, contradictions, without each",
    "suggest": "the weights that the reviews suggest, by nested cross-validation",
}


def run() -> str:
    lines = []
    for verdicts in VERDICTS:
        for name, times in milliseconds(verdicts).items():
            bound = f"at most {BOUNDS[name]} ms" if name in BOUNDS else ""
            told = f"{statistics.median(times):.0f} ms ({min(times):.0f} to {max(times):.0f})"
            lines.append(f"| {_NAMES[name]} | {verdicts:,} | {told} | {bound} |")
            print(lines[-1], flush=True)
    return "\n".join(
        [
            "## Questions to stored votes",
            "",
            f"{PAIRS:,} stored pairs with {hh.PRINCIPLES} votes each, from the database on; medians of"
            f" {ROUNDS} rounds in which all took turns, with the fastest and the slowest.",
            "",
            "| what | pairs that a person has read | measured | asked for |",
            "|---|---|---|---|",
            *lines,
        ]
    )
