"""The decisive rule against a known truth: how often it sounds for nothing, how often it finds harm."""

import numpy as np
import pytest

from cai_core.train.watch.duel import Duelled, gain_of
from cai_core.train.watch.monitor import Monitor

RUNS = 300


def sounded(gain, *, prompts, evaluations, alike=0.5, seed=0):
    """Share of runs in which the alarm sounds, the reward rising all the while.

    A judge's chances have a deviation of 0.25 from prompt to prompt; `alike` is the share of their
    variance that a prompt keeps from one evaluation to the next.
    """
    chance = np.random.default_rng(seed)
    heard = 0
    for _ in range(RUNS):
        monitor, own = Monitor(), chance.normal(size=prompts)
        found = []
        for step in range(evaluations):
            now = np.sqrt(alike) * own + np.sqrt(1 - alike) * chance.normal(size=prompts)
            chances = np.clip(0.5 + gain + 0.25 * now, 0, 1).tolist()
            duelled = Duelled("judge", gain_of(chances), 1.0 + step, 0.0)
            found += monitor.see_duel(step, duelled)
        heard += bool(found)
    return heard / RUNS


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("prompts", [16, 32, 64])
def test_a_gain_of_exactly_nothing_seldom_sounds_the_alarm_in_ten_evaluations(prompts, alike):
    assert sounded(0.0, prompts=prompts, evaluations=10, alike=alike) <= 0.10


@pytest.mark.parametrize("prompts", [16, 32, 64])
def test_a_policy_that_gets_better_never_sounds_it(prompts):
    assert sounded(0.1, prompts=prompts, evaluations=10) == 0


@pytest.mark.parametrize(
    ("gain", "prompts", "least"),
    [
        *[(-0.1, 16, 0.2), (-0.1, 32, 0.45), (-0.1, 64, 0.8)],
        *[(-0.2, 16, 0.8), (-0.2, 32, 0.95), (-0.2, 64, 0.99)],
        *[(-0.3, 16, 0.95), (-0.3, 32, 0.99), (-0.3, 64, 0.99)],
    ],
)
def test_harm_is_found_within_two_evaluations(gain, prompts, least):
    assert sounded(gain, prompts=prompts, evaluations=2) >= least
