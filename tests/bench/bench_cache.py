"""Judging again: the same pairs from the cache, and with one principle of sixteen changed.

All in one process: pairs are judged anew without a cache, then into an empty cache, again from it,
and again after one principle was reworded.
"""

import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from cai_core.feedback.judge import judge
from cai_core.models.catalogue import load
from cai_core.models.protocol import Cache, Model
from cai_core.schema import Constitution
from cai_core.settings import BUILTIN, JudgeSetting
from cai_core.store.cache import SqliteCache
from tests.bench import hh
from tests.bench.timing import timed

PAIRS = 8
ROUNDS = 3


def seconds_of(model: Model, rules: Constitution, turn: int) -> float:
    pairs = hh.unlabelled(hh.pairs(count=PAIRS * ROUNDS))[turn * PAIRS : (turn + 1) * PAIRS]
    seconds, labels = timed(lambda: list(judge(pairs, rules, model, JudgeSetting())))
    assert all(label.p_a is not None for label in labels)
    return seconds


def changed(rules: Constitution) -> Constitution:
    """The constitution with its eighth principle worded otherwise."""
    old = rules.principles[7]
    new = replace(old, text=f"{old.text.strip()} Think of those who are not asked.")
    return replace(rules, principles=(*rules.principles[:7], new, *rules.principles[8:]))


def cached(folder: str, turn: int) -> Model:
    cache: Cache = SqliteCache(Path(folder) / f"{turn}.db")
    return load(BUILTIN, cache=cache)


def run() -> str:
    rules, plain = hh.sixteen(), load(BUILTIN)
    seconds_of(plain, replace(rules, principles=rules.principles[:1]), 0)  # loads
    full, again, edited = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(ROUNDS):
            full.append(seconds_of(plain, rules, turn))
            seconds_of(cached(folder, turn), rules, turn)  # fills the cache
            again.append(seconds_of(cached(folder, turn), rules, turn))
            model = cached(folder, turn)
            _loaded(model)
            edited.append(seconds_of(model, changed(rules), turn))
            print(full[-1], again[-1], edited[-1], flush=True)
    times = statistics.median(a / b for a, b in zip(full, again, strict=True))
    share = statistics.median(b / a for a, b in zip(full, edited, strict=True))
    return "\n".join(
        [
            "## Judging again",
            "",
            f"{hh.PRINCIPLES} principles on {PAIRS} pairs in both orders, the built-in model, medians of"
            f" {ROUNDS} rounds on other pairs; a full judgement took {statistics.median(full):.1f} s.",
            "",
            "| what | measured | asked for |",
            "|---|---|---|",
            f"| the same pairs from the cache, no model loaded | {times:.0f} times faster"
            f" ({1000 * statistics.median(again):.0f} ms) | at least 200 |",
            f"| one principle of {hh.PRINCIPLES} changed | {share:.2f} of a full judgement |"
            " at most 0.35 |",
        ]
    )


def _loaded(model: Model) -> None:
    """Have the weights in memory, as a page or a job has."""
    model.model.score_choices([hh.pairs(count=1)[0].prompt], ("A", "B"))  # type: ignore[attr-defined]
