"""The verdict "effective", by simulation with known truth."""

import numpy as np
import pytest

from cai_core.impact.effect import Measured, effect

REPETITIONS = 200


def simulated(rng, *, pairs, size, shared, templates=6, placebos=19):
    """Shifts of one edit and of its placebos, of a judge whose noise is known.

    The noise of one pair has sd 1: the `shared` part of its variance is a wording's own pull in some
    direction, the same on all pairs; the rest is the pair's own. The edit has such noise too, and
    moves every pair by `size` towards people. Other templates add noise of half the size.
    """
    directions = {
        "people": rng.choice([-1.0, 1.0], pairs),
        "longer": rng.choice([-1.0, 1.0], pairs),
        "refusal": rng.choice([-1.0, 0.0, 0.0, 1.0], pairs),
    }
    stacked = np.stack(list(directions.values()))

    def wordings(count):
        pull = rng.normal(0, np.sqrt(shared), (count, 3)) / np.sqrt(3)
        return pull @ stacked + rng.normal(0, np.sqrt(1 - shared), (count, pairs))

    own = wordings(1)[0] + size * directions["people"]
    moods = rng.normal(0, 0.5, (templates, pairs))
    moods[0] = 0
    clusters = list(range(pairs))
    return Measured(own + moods, wordings(placebos), clusters), directions


def share_found(*, size, shared, pairs=40, seed=0):
    rng = np.random.default_rng(seed)
    runs = [simulated(rng, pairs=pairs, size=size, shared=shared) for _ in range(REPETITIONS)]
    return np.mean([effect(*run).effective for run in runs])


@pytest.mark.parametrize("shared", [0.0, 0.1, 0.25, 0.5])
def test_a_placebo_is_called_effective_in_at_most_seven_of_a_hundred(shared):
    assert share_found(size=0.0, shared=shared) <= 0.07


@pytest.mark.parametrize("shared", [0.0, 0.1, 0.25, 0.5])
def test_an_effect_of_twice_the_noise_is_found_in_eighty_of_a_hundred(shared):
    assert share_found(size=2.0, shared=shared) >= 0.8


def test_with_eighteen_placebos_nothing_can_be_effective():
    rng = np.random.default_rng(0)
    found = effect(*simulated(rng, pairs=40, size=9.0, shared=0.0, placebos=18))
    assert not found.enough_placebos
    assert not found.effective


def test_a_shift_that_another_template_turns_round_is_not_effective():
    measured, directions = simulated(np.random.default_rng(0), pairs=40, size=3.0, shared=0.0)
    assert effect(measured, directions).effective
    measured.shifts[3] *= -1
    assert not effect(measured, directions).effective


def test_without_another_template_it_is_not_told():
    measured, directions = simulated(np.random.default_rng(0), pairs=40, size=3.0, shared=0.0)
    alone = Measured(measured.shifts[:1], measured.placebos, measured.clusters)
    assert not effect(alone, directions).effective


def test_an_edit_that_moves_nothing_is_no_effect():
    still = Measured(np.zeros((6, 10)), np.zeros((19, 10)), list(range(10)))
    found = effect(still, {"people": np.ones(10)})
    assert not found.effective
    assert found.directions["people"].p_placebo == 1.0


def test_pairs_of_one_prompt_are_one_draw():
    measured, directions = simulated(np.random.default_rng(0), pairs=40, size=3.0, shared=0.0)
    one = Measured(measured.shifts, measured.placebos, ["same"] * 40)
    assert not effect(one, directions).effective


def test_missing_votes_are_left_out():
    measured, directions = simulated(np.random.default_rng(0), pairs=40, size=3.0, shared=0.0)
    measured.shifts[0, :10] = np.nan
    measured.placebos[2, :] = np.nan
    assert effect(measured, directions).directions["people"].estimate.n == 30


def test_a_direction_that_no_pair_has_is_not_there():
    measured, _ = simulated(np.random.default_rng(0), pairs=40, size=3.0, shared=0.0)
    assert effect(measured, {"people": np.zeros(40)}).directions == {}
