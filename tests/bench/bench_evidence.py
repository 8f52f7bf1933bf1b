"""Questions to stored votes: labels without each principle, and all evidence with the matrix.

Each time includes the read of the database. Votes are drawn, since what they say costs nothing: sixteen
principles on ten thousand pairs of which a person has read some, every fourth pair under one prompt.
Of the pairs that were read half are locked, and only found to be so.
"""

import statistics
import tempfile
import time
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


def milliseconds(verdicts: int) -> dict[str, list[tuple[float, float]]]:
    """Of every question (on the clock, of processor time) in all rounds but the first, which loads."""
    with tempfile.TemporaryDirectory() as folder:
        db = stored_votes.fill(Path(folder) / "r.db", hh.sixteen(), pairs=PAIRS, verdicts=verdicts)
        asked = questions(db, labels.judge_uses(db)[0])
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
        for turn in range(ROUNDS + 1):
            for name, ask in asked.items():
                began = time.process_time()
                seconds, _ = timed(ask)
                if turn:
                    found[name].append((1000 * seconds, 1000 * (time.process_time() - began)))
        db.close()
    return found


_NAMES = {
    "without": "the labels without each of the 16 principles, flips and agreement of each",
    "one": "the labels under other weights (one move of a slider)",
    "evidence": "all evidence: counts, agreement, leans, matrix, contradictions, and without each",
    "suggest": "the weights that the reviews suggest, by nested cross-validation",
}


def run() -> str:
    lines = []
    for verdicts in VERDICTS:
        for name, times in milliseconds(verdicts).items():
            bound = f"at most {BOUNDS[name]} ms" if name in BOUNDS else ""
            clock, busy = zip(*times, strict=True)
            told = f"{statistics.median(clock):.0f} ms ({min(clock):.0f} to {max(clock):.0f})"
            own = f"{statistics.median(busy):.0f} ms"
            lines.append(f"| {_NAMES[name]} | {verdicts:,} | {told} | {own} | {bound} |")
            print(lines[-1], flush=True)
    return "\n".join(
        [
            "## Questions to stored votes",
            "",
            f"{PAIRS:,} stored pairs with {hh.PRINCIPLES} votes each, from the database on; medians of"
            f" {ROUNDS} rounds in which all took turns, with the fastest and the slowest. Processor time"
            " leaves out what other programs took meanwhile. Verdicts on the locked half of what was read are"
            " kept out.",
            "",
            "| what | pairs that a person has read | measured | processor time | asked for |",
            "|---|---|---|---|---|",
            *lines,
        ]
    )
