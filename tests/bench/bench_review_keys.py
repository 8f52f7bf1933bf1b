"""From a key to the next pair on the screen, in a real browser, and whether each key was stored once."""

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cai_core.stats import FloatArray
from cai_core.store import pairs
from tests.bench import hh
from tests.browser.reader import Reader
from tests.journey.chromium import launched
from tests.journey.workbench import Workbench, serve

KEYS = 300
GAPS_MS = (60, 400)
MEDIAN_MS, P95_MS = 100, 250  # bounds
SEED = 7


@dataclass(frozen=True)
class Read:
    """What 300 keys came to: milliseconds from a key to the next pair, and counts."""

    ms: FloatArray
    counted: int
    refused: int
    stored: int
    in_place: int


def run() -> str:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder), "builtin:none") as bench:
        with bench.db() as db:
            pairs.add(db, hh.unlabelled(hh.pairs()), source="hh")
            n = pairs.count(db)
        return _section(_read(bench), n)


def _read(bench: Workbench) -> Read:
    chance = random.Random(SEED)
    with launched() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        reader = Reader.arrive(context, bench, "Ada")
        for _ in range(KEYS):
            reader.page.keyboard.press(chance.choice("abts"))
            reader.page.wait_for_timeout(chance.uniform(*GAPS_MS))
        reader.all_stored()
        presses, painted = reader.seen("presses"), reader.seen("painted")
        refused, stored = len(reader.seen("refused")), reader.stored()
        context.close()
    times = [one["at"] - one["since"] for one in painted if one["row"] and one["since"]]
    in_place = sum(
        event.pair_id == press["card"] for event, press in zip(stored, presses, strict=False)
    )
    return Read(np.array(times), len(presses), refused, len(stored), in_place)


def _section(read: Read, n: int) -> str:
    median, p95 = np.percentile(read.ms, [50, 95])
    held = "holds" if median < MEDIAN_MS and p95 < P95_MS else "DOES NOT HOLD"
    return f"""## Keys of the review card

{KEYS} keys (A, B, T, S at random) in Chromium at 1280x800, with random gaps of {GAPS_MS[0]} to {GAPS_MS[1]} ms, on {n:,} pairs, most of them real ones of hh-rlhf: from the key going down to the next pair painted, as the browser's own clock says.

| | median | 95% | most | n |
|---|---|---|---|---|
| key to next pair, ms | {median:.0f} | {p95:.0f} | {read.ms.max():.0f} | {len(read.ms)} |
| bound, ms | {MEDIAN_MS} | {P95_MS} | | |

The bound {held}. Of {KEYS} keys {read.counted} counted and {read.refused} were refused on the screen, because the next pair was not painted yet or the server was more than five pairs behind. {read.stored} verdicts were stored, {read.in_place} of them on the pair that was on the screen at that key, in that order."""
