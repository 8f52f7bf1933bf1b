"""Twenty reviewers at once, each a process: what is lost, stored twice or leased to two, and how long writes take."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from sqlite_utils import Database

from cai_core.schema import Pair, user
from cai_core.store import database, draws, pairs, verdicts
from cai_core.store.draws import Queue
from cai_core.store.verdicts import Press

T = TypeVar("T")
BOUND_P99_S = 1.0


@dataclass(frozen=True)
class Size:
    """How many reviewers, verdicts of each, and pairs for all of them."""

    reviewers: int = 20
    decisions: int = 200
    pairs: int = 6_000
    kills: int = 1_000  # the most


def run() -> str:
    calm, killed = together(Size()), together(Size(), kill_every_s=1.0)
    rows = "\n".join(
        _row(name, found)
        for name, found in (("all live", calm), ("one killed every second", killed))
    )
    return f"""## Twenty reviewers at once

{Size.reviewers} processes on one database file, {Size.decisions} verdicts each out of {Size.pairs:,} pairs, each leasing
five pairs at a time, without a pause. In the second row one of them, at random, gets SIGKILL every second
({killed["kills"]:.0f} times) and is started again: it sends again what it had written down. A write is a verdict stored or
five pairs leased.

| | given | stored | lost | twice | leased to two | median write | p99 of a write | bound |
|---|---|---|---|---|---|---|---|---|
{rows}"""


def _row(name: str, found: dict[str, float]) -> str:
    counts = " | ".join(f"{found[key]:,.0f}" for key in ("given", "stored", "lost", "twice", "two"))
    return f"| {name} | {counts} | {found['median']:.3f} s | {found['p99']:.3f} s | {BOUND_P99_S:.0f} s |"


def together(size: Size, *, kill_every_s: float | None = None) -> dict[str, float]:
    """What became of the verdicts of reviewers who work at once, each in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        db = database.connect(folder / "ratify.db")
        pairs.add(
            db, [Pair.of((user(f"Question {n}?"),), "Yes.", "No.") for n in range(size.pairs)]
        )
        running = {n: _start(folder, n, size.decisions) for n in range(size.reviewers)}
        begun = dict.fromkeys(running, time.time())
        chance, kills, next_kill = random.Random(0), 0, time.monotonic() + (kill_every_s or 0)
        try:
            while running:
                time.sleep(0.05)
                for number, process in list(running.items()):
                    if process.poll() == 0:
                        del running[number]
                    elif process.poll() is not None:
                        running[number] = _start(folder, number, size.decisions)
                        begun[number] = time.time()
                working = [n for n in running if _has_sent(folder, n, since=begun[n])]
                if kill_every_s and working and time.monotonic() > next_kill and kills < size.kills:
                    os.kill(running[chance.choice(working)].pid, signal.SIGKILL)
                    kills, next_kill = kills + 1, time.monotonic() + kill_every_s
        finally:
            for process in running.values():
                process.kill()
        return _counted(folder, db) | {"kills": kills}


def _has_sent(folder: Path, number: int, *, since: float) -> bool:
    """Whether this reviewer wrote to the database since it was started: who still starts is left alone."""
    path = folder / f"{number}.seconds"
    return path.exists() and path.stat().st_mtime > since


def _start(folder: Path, number: int, decisions: int) -> subprocess.Popen[bytes]:
    given = [str(folder), str(number), str(decisions)]
    return subprocess.Popen([sys.executable, "-m", "tests.bench.bench_reviewers", *given])


def _counted(folder: Path, db: Database) -> dict[str, float]:
    given = [json.loads(line) for path in folder.glob("*.given") for line in _whole(path)]
    seconds = [json.loads(line) for path in folder.glob("*.seconds") for line in _whole(path)]
    taken = Counter(row["client"] for row in db["keys_taken"].rows)
    stored = list(db.query("SELECT pair, annotator, review FROM labels WHERE kind = 'person'"))
    readers = Counter(row["pair"] for row in stored if not _second(row))
    wanted_twice = {
        row["id"]
        for row in db.query(
            "SELECT id FROM pairs p JOIN pair_states s ON s.pair = p.seq WHERE twice"
        )
    }
    two = [pair for pair, n in readers.items() if n > (2 if pair in wanted_twice else 1)]
    return {
        "given": len(given),
        "stored": len(stored),
        "lost": len(given) - sum(taken.values()),
        "twice": len(stored) - sum(taken.values()),
        "two": len(two),
        "median": float(np.median(seconds)),
        "p99": float(np.quantile(seconds, 0.99)),
    }


def _second(row: dict[str, str]) -> bool:
    return not json.loads(row["review"])["first"]


def _whole(path: Path) -> list[str]:
    return [
        line for line in path.read_text().split("\n") if line.endswith("}") or line[:1].isdigit()
    ]


def review(folder: Path, number: int, decisions: int) -> None:
    """One reviewer: writes each press down, sends it, and after a crash sends again what it wrote down."""
    db, client = database.connect(folder / "ratify.db"), f"tab {number}"
    diary, clock = folder / f"{number}.given", folder / f"{number}.seconds"
    said = [json.loads(line) for line in _whole(diary)] if diary.exists() else []
    for row in said:
        _send(db, clock, Press(**row), client)
    chance = random.Random(f"{number}/{len(said)}")
    while len(said) < decisions:
        leases = _timed(clock, lambda: draws.lease(db, client, Queue("even"), chance=chance))
        for lease in leases[: decisions - len(said)]:
            press = {
                "client": client,
                "number": len(said) + 1,
                "pair": lease.pair.id,
                "verdict": "a",
            }
            with diary.open("a") as file:
                file.write(json.dumps(press) + "\n")
            said.append(press)
            _send(db, clock, Press(**press), client)


def _send(db: Database, clock: Path, press: Press, client: str) -> None:
    _timed(clock, lambda: verdicts.give(db, press, person=client))


def _timed(clock: Path, call: Callable[[], T]) -> T:
    began = time.perf_counter()
    found = call()
    with clock.open("a") as file:
        file.write(f"{time.perf_counter() - began}\n")
    return found


if __name__ == "__main__":
    review(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
