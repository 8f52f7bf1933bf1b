"""How far suggested weights can be trusted, by simulation: chance called better, gains found, coverage.

Sixteen principles whose votes share half of their variance. People follow the votes by known weights, or
follow nothing. What the weights are really worth is counted on twenty thousand other pairs.
"""

from dataclasses import dataclass
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from cai_core.evaluate import suggested
from cai_core.evaluate.reweigh import agreement_scores, log_odds, worth_of
from cai_core.schema import VoteTable
from tests.evaluate.simulated import table

K = 16
TIMES = 200
OTHER = 20_000
EQUAL = np.ones(K)
FOUR = np.array([3.0, 2, 2, 1] + [0] * 12)


@dataclass(frozen=True)
class Setting:
    """So many reviewed pairs, by people who follow these weights so surely; None: they follow nothing."""

    name: str
    pairs: tuple[int, ...]
    truth: NDArray[np.float64] | None
    sure: float = 0.0


SETTINGS = (
    Setting("pure chance", (60, 100, 200), None),
    Setting("the present weights", (30, 60, 100, 150), EQUAL, 2.0),
    Setting("four of the sixteen", (60, 100, 150), FOUR, 4.0),
)


def drawn(n: int, setting: Setting, chance: np.random.Generator) -> VoteTable:
    votes = chance.normal(size=(n, 1)) + chance.normal(size=(n, K))
    if setting.truth is None:
        return table(votes, chance.normal(size=n))
    likes = setting.sure * votes @ setting.truth / setting.truth.sum() + chance.logistic(size=n)
    return table(votes, likes)


def agreement(other: VoteTable, weights: NDArray[np.float64]) -> float:
    return float(
        np.nanmean(agreement_scores(worth_of(log_odds(other, weights), 0.0), other.people))
    )


def line(n: int, setting: Setting) -> str:
    """How often the suggestion is called better, what it gains, and how often the interval holds that."""
    chance = np.random.default_rng(1)
    other = drawn(OTHER, setting, np.random.default_rng(99))
    present = agreement(other, EQUAL)
    better, held, gains = 0, 0, []
    for _ in range(TIMES):
        found = suggested.suggest(drawn(n, setting, chance), EQUAL)
        assert found is not None
        gains.append(agreement(other, np.array(list(found.weights.values()))) - present)
        better += found.better
        held += found.gain.low <= gains[-1] <= found.gain.high
    worse = np.mean([gain < -0.01 for gain in gains])
    return (
        f"| {setting.name} | {n} | {better / TIMES:.1%} | {100 * np.mean(gains):+.1f} | {worse:.0%} |"
        f" {1 - held / TIMES:.1%} |"
    )


def run() -> str:
    lines = []
    with mock.patch.object(suggested, "LEAST", 20):
        for setting in SETTINGS:
            for n in setting.pairs:
                lines.append(line(n, setting))
                print(lines[-1], flush=True)
    return "\n".join(
        [
            "## Weights that reviews suggest, by simulation",
            "",
            f"{K} principles whose votes share half of their variance, {TIMES} draws a line; the present"
            " weights are equal. What is really gained is counted on 20,000 other pairs. Fewer than"
            f" {suggested.LEAST} pairs suggest nothing outside this table.",
            "",
            "| people follow | reviewed pairs | called better | points really gained | a point worse or"
            " more | interval of the gain misses it |",
            "|---|---|---|---|---|---|",
            *lines,
        ]
    )
