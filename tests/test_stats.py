"""Intervals, by simulation with known truth: coverage and width."""

import math

import numpy as np
import pytest

from cai_core import stats


@pytest.mark.parametrize("p", [0.5, 0.75, 0.9])
@pytest.mark.parametrize("n", [30, 200])
def test_wilson_covers_the_truth_and_is_not_wide(p, n):
    rng = np.random.default_rng(1)
    draws = [stats.wilson(int(x), n) for x in rng.binomial(n, p, 2000)]
    covered = np.mean([d.low <= p <= d.high for d in draws])
    width = np.mean([d.high - d.low for d in draws])
    normal_width = 2 * stats.Z95 * math.sqrt(p * (1 - p) / n)
    assert 0.925 <= covered <= 0.98
    assert width <= 1.15 * normal_width


def test_clustered_mean_covers_when_values_share_their_cluster():
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(40), 3)
    covered, widths = [], []
    for _ in range(800):
        values = np.repeat(rng.normal(0, 1, 40), 3) + rng.normal(0, 0.3, 120)
        e = stats.clustered_mean(list(values), list(clusters))
        covered.append(e.low <= 0 <= e.high)
        widths.append(e.high - e.low)
    truth = 2 * stats.Z95 * math.sqrt(1 / 40 + 0.09 / 120)
    assert 0.92 <= np.mean(covered) <= 0.98
    assert 0.9 <= np.mean(widths) / truth <= 1.15


def test_nothing_has_no_value():
    assert math.isnan(stats.wilson(0, 0).value)
    assert str(stats.clustered_mean([], [])) == "–"
    assert math.isnan(stats.clustered_mean([1.0], ["p"]).low)


def test_sigmoid_and_logit_undo_each_other_without_overflow():
    assert stats.sigmoid([-1000, 1000]).tolist() == [0, 1]
    assert np.allclose(stats.sigmoid(stats.logit([0.01, 0.5, 0.93])), [0.01, 0.5, 0.93])


def test_effective_votes_counts_copies_once():
    rng = np.random.default_rng(3)
    free = rng.normal(size=(4000, 4))
    assert stats.effective_votes(free) == pytest.approx(4, abs=0.1)
    assert stats.effective_votes(np.repeat(free[:, :1], 4, axis=1)) == pytest.approx(1, abs=1e-6)
    assert math.isnan(stats.effective_votes(free[:1]))
