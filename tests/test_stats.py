"""Intervals, by simulation with known truth: coverage and width."""

import json
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


def test_shares_of_single_rows_have_wilsons_interval():
    values = np.array([[1.0, 0.5], [0.0, math.nan], [1.0, 1.0]])
    one, other = stats.clustered_shares(values, np.arange(3))
    assert one == stats.wilson(2, 3)
    assert other == stats.wilson(1.5, 2)


def test_shares_of_equal_rows_are_as_sure_as_their_clusters_are():
    values = np.repeat([1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0], 5)[:, None]
    clusters = np.repeat(np.arange(8), 5)
    clustered, alone = stats.clustered_shares(values, clusters)[0], stats.wilson(25, 40)
    assert clustered.n == 40
    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)
    shuffled = np.random.default_rng(0).permutation(40)
    again = stats.clustered_shares(values[shuffled], clusters[shuffled])[0]
    assert (again.low, again.high) == pytest.approx((clustered.low, clustered.high))


def test_shares_that_are_all_alike_count_their_clusters():
    found = stats.clustered_shares(np.ones((40, 1)), np.repeat(np.arange(8), 5))[0]
    assert found.low < stats.wilson(40, 40).low
    assert (found.value, found.high) == (1.0, 1.0)


def test_a_share_without_rows_or_of_one_cluster_has_no_interval():
    values = np.array([[math.nan, 1.0], [math.nan, 0.0]])
    none, one = stats.clustered_shares(values, np.zeros(2, dtype=int))
    assert math.isnan(none.value)
    assert (one.value, math.isnan(one.low)) == (0.5, True)


def test_the_hypothesis_of_a_half_is_refused_just_where_the_interval_leaves_it_out():
    chance = np.random.default_rng(1)
    clusters = np.repeat(np.arange(20), 3)
    values = (chance.random((60, 50)) < chance.random(50)).astype(float)
    for share, p in stats.clustered_share_tests(values, clusters):
        assert (p < 0.05) == (not share.low <= 0.5 <= share.high)


def test_means_of_columns_are_those_of_each_column():
    chance = np.random.default_rng(2)
    values, clusters = chance.normal(size=(30, 3)), chance.integers(0, 9, size=30)
    values[::4, 1] = math.nan
    for at, found in enumerate(stats.clustered_means(values, clusters)):
        there = ~np.isnan(values[:, at])
        one = stats.clustered_mean(values[there, at].tolist(), clusters[there].tolist())
        assert (found.value, found.low) == (pytest.approx(one.value), pytest.approx(one.low))
        assert found.n == there.sum()


def test_p_values_are_adjusted_for_their_number_and_nan_is_not_counted():
    found = stats.false_discoveries([0.01, math.nan, 0.02, 0.03, 0.9])
    assert found.tolist()[2] == pytest.approx(0.04)
    assert math.isnan(found[1])
    assert len(stats.false_discoveries([])) == 0
    assert np.isnan(stats.false_discoveries([math.nan])).all()


def test_an_estimate_is_read_back_from_json_as_it_was():
    for one in (stats.wilson(3, 7), stats.NOTHING, stats.Estimate(0.5, math.nan, math.nan, 1)):
        text = json.dumps(one.to_row(), allow_nan=False)
        assert repr(stats.Estimate.from_row(json.loads(text))) == repr(one)
