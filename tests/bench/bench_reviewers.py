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
from pathlib import Path

import numpy as np

from cai_core.schema import Pair, user
from cai_core.store import database, draws, pairs, verdicts
from cai_core.store.draws import Queue
from cai_core.store.verdicts import Press

REVIEWERS, DECISIONS, PAIRS = 20, 200, 6_000
BOUND_P99_S = 1.0


def run() -> str:
    calm, killed = _together(killing=False), _together(killing=True)
    rows = "\n".join(
        _row(name, found)
        for name, found in (("all live", calm), ("one killed every second", killed))
    )
    return f"""## Twenty reviewers at once

{REVIEWERS} processes on one database file, {DECISIONS} verdicts each out of {PAIRS:,} pairs, each leasing five
pairs at a time. In the second row one of them, at random, gets SIGKILL every second and is started again, going
on with the presses that it had written down and not seen acknowledged.

| | given | stored | lost | twice | leased to two | median write | p99 of a write | bound |
|---|---|---|---|---|---|---|---|---|
{rows}"""


def _row(name: str, found: dict[str, float]) -> str:
    counts = " | ".join(f"{found[key]:,.0f}" for key in ("given", "stored", "lost", "twice", "two"))
    return f"| {name} | {counts} | {found['median']:.3f} s | {found['p99']:.3f} s | {BOUND_P99_S:.0f} s |"


def _together(*, killing: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        db = database.connect(folder / "ratify.db")
        pairs.add(db, [Pair.of((user(f"Question {n}?"),), "Yes.", "No.") for n in range(PAIRS)])
        running = {number: _start(folder, number) for number in range(REVIEWERS)}
        chance, kills, next_kill = random.Random(0), 0, time.monotonic() + 1
        while running:
            time.sleep(0.05)
            for number, process in list(running.items()):
                if process.poll() == 0:
                    del running[number]
                elif process.poll() is not None:
                    running[number] = _start(folder, number)
            if killing and running and time.monotonic() > next_kill:
                os.kill(running[chance.choice(list(running))].pid, signal.SIGKILL)
                kills, next_kill = kills + 1, time.monotonic() + 1
        print(f"{kills} killed", flush=True)
        return _counted(folder, db)


def _start(folder: Path, number: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.bench.bench_reviewers", str(folder), str(number)]
    return subprocess.Popen(command)


def _counted(folder: Path, db: database.Database) -> dict[str, float]:
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


def review(folder: Path, number: int) -> None:
    """One reviewer: writes each press down, sends it, and after a crash sends again what it wrote down."""
    db, client = database.connect(folder / "ratify.db"), f"tab {number}"
    diary, clock = folder / f"{number}.given", folder / f"{number}.seconds"
    said = [json.loads(line) for line in _whole(diary)] if diary.exists() else []
    for row in said:
        _send(db, clock, Press(**row), client)
    chance = random.Random(f"{number}/{len(said)}")
    while len(said) < DECISIONS:
        leases = _timed(clock, lambda: draws.lease(db, client, Queue("even"), chance=chance))
        for lease in leases[: DECISIONS - len(said)]:
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


def _send(db, clock, press, client) -> None:
    _timed(clock, lambda: verdicts.give(db, press, person=client))


def _timed(clock: Path, call):
    began = time.perf_counter()
    found = call()
    with clock.open("a") as file:
        file.write(f"{time.perf_counter() - began}\n")
    return found


if __name__ == "__main__":
    review(Path(sys.argv[1]), int(sys.argv[2]))
