"""The review room on 200,000 and on a million judged pairs: reading them in, and what a reviewer waits for."""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import streamlit as st
from streamlit.testing.v1 import AppTest

from cai_core.settings import PROJECT_DIR
from cai_core.store import database, draws, pairs, verdicts
from cai_core.store.draws import Queue
from cai_core.store.pairs import PairFilter
from cai_core.store.verdicts import Press
from tests.bench import hh, review_pool
from tests.bench.timing import timed
from ui import quality_tabs

SIZES = (200_000, 1_000_000)
REQUIRED = SIZES[0]
SHARE_READ = 0.25  # verdicts of people for each pair: 50,000 on 200,000
ROUNDS = 7
BOUND_PAGE_S, BOUND_IMPORT_S, BOUND_QUALITY_S = 0.3, 60.0, 2.0
WHO = review_pool.PEOPLE[0]
WHAT: dict[str, PairFilter] = {
    "everything": PairFilter(),
    "the word 'the'": PairFilter(text="the"),
    "the word 'weapon'": PairFilter(text="weapon"),
    "not read by me": PairFilter(not_seen_by=WHO),
    "read by me": PairFilter(seen_by=WHO),
    "people disagree": PairFilter(disputed=True),
    "judges and people disagree": PairFilter(contested=True),
    "inconsistent": PairFilter(inconsistent=True),
    "the judge says B and is sure": PairFilter(verdict="b", sure=(0.9, 1.0)),
    "three at once": PairFilter(text="weapon", split="test", sure=(0.5, 0.6)),
}


def run() -> str:
    return "\n\n".join([_HEAD, *(_section(size) for size in SIZES)])


_HEAD = f"""## The review room at scale

Judged pairs with 16 votes each, whose texts are mixed from the human-labelled pairs, and a verdict of a person
for every fourth, by twenty people. Medians of {ROUNDS}, the slowest in brackets; the bounds hold for {REQUIRED:,} pairs."""


def _section(size: int) -> str:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        rows = [*_imported(home, size), *_waits(home), *_quality(home, size)]
    lines = "\n".join(f"| {what} | {took} | {bound} |" for what, took, bound in rows)
    return f"### {size:,} pairs\n\n| | measured | bound |\n|---|---|---|\n{lines}"


def _imported(home: Path, size: int) -> list[tuple[str, str, str]]:
    """Read the files in by the command, in a process of its own, and look at its memory."""
    files = home / "judged.jsonl", home / "said.jsonl"
    judged = review_pool.write(files[0], review_pool.judgements(hh.sixteen(), size))
    said = review_pool.verdicts(judged, round(size * SHARE_READ))
    events = len(review_pool.write(files[1], said))
    del judged
    command = [sys.executable, "-m", "cai_core", "labels", "import", *map(str, files)]
    environment = os.environ | {"CAI_HOME": str(home)}
    subprocess.run(
        [sys.executable, "-m", "cai_core", "init"], env=environment, check=True, capture_output=True
    )
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    peak = _peak_gib(process)
    took = time.perf_counter() - began
    assert process.returncode == 0
    bound = f"{BOUND_IMPORT_S:.0f} s" if size == REQUIRED else "–"
    there = sum(file.stat().st_size for file in files) / 2**30
    return [
        (
            f"import of {size:,} judgements and {events:,} verdicts ({there:.1f} GiB)",
            f"{took:.0f} s",
            bound,
        ),
        ("memory of the import at its peak", f"{peak:.2f} GiB", "–"),
        ("database", f"{(home / 'ratify.db').stat().st_size / 2**30:.1f} GiB", "–"),
    ]


def _peak_gib(process: subprocess.Popen[bytes]) -> float:
    peak, watched = 0, psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.1)
    process.wait()
    return float(peak) / 2**30


def _waits(home: Path) -> list[tuple[str, str, str]]:
    db = database.connect(home / "ratify.db")
    chance, rows, number = random.Random(0), [], 0

    def say() -> None:
        nonlocal number
        number += 1
        lease = draws.lease(db, WHO, Queue("even"), chance=chance)[0]
        verdicts.give(db, Press("bench", number, lease.pair.id, "a"), person=WHO)

    rows.append(_row("a verdict, and the next pair drawn", say))
    for name in ("even", "useful", "disagreements"):
        rows.append(_row(f"five pairs drawn, {name}", lambda n=name: _drawn(db, Queue(n), chance)))
    for what, where in WHAT.items():
        rows.append(
            _row(
                f"five pairs drawn by filter, {what}",
                lambda w=where: _drawn(db, Queue("filter", w), chance),
            )
        )
        rows.append(_row(f"first page and count, {what}", lambda w=where: _page(db, w)))
    return rows


def _quality(home: Path, size: int) -> list[tuple[str, str, str]]:
    """The whole quality page, run as the server runs it, for somebody who opens it there."""
    bound = f"{BOUND_QUALITY_S:.0f} s" if size == REQUIRED else "–"
    before = os.environ.get("CAI_HOME")
    os.environ["CAI_HOME"] = str(home)
    try:
        return [
            (
                f"quality page, {tab}",
                f"{statistics.median(_opened(tab) for _ in range(3)):.2f} s",
                bound,
            )
            for tab in quality_tabs.NAMES
        ]
    finally:
        os.environ.pop("CAI_HOME")
        if before is not None:
            os.environ["CAI_HOME"] = before


def _opened(tab: str) -> float:
    """Seconds of a first look at the page with this tab open, in a session of its own."""
    app = AppTest.from_file(str(PROJECT_DIR / "app.py"), default_timeout=60)
    app.session_state["person"] = WHO
    app.run()
    app.session_state[quality_tabs.TAB] = tab
    for kept in (st.cache_data, st.cache_resource):  # by the overview, or a look before
        kept.clear()
    took, app = timed(lambda: app.switch_page("pages/quality.py").run())
    assert not app.exception, app.exception
    return took


def _drawn(db: database.Database, queue: Queue, chance: random.Random) -> None:
    draws.release(db, WHO)
    draws.lease(db, WHO, queue, chance=chance)


def _page(db: database.Database, where: PairFilter) -> None:
    pairs.find(db, where, order="newest", limit=20)
    pairs.count(db, where, most=10_001)


def _row(what: str, call: Callable[[], object]) -> tuple[str, str, str]:
    took = [timed(call)[0] for _ in range(ROUNDS)]
    print(what, took, flush=True)
    middle, most = statistics.median(took), max(took)
    return what, f"{middle * 1000:.0f} ms ({most * 1000:.0f} ms)", f"{BOUND_PAGE_S * 1000:.0f} ms"
