import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cai_core.usefulness import FLOOR, usefulness

probability = st.one_of(st.floats(0, 1), st.just(float("nan")))


@given(
    p=probability, inconsistent=st.booleans(), spread=probability, gap=probability, head=probability
)
def test_every_pair_keeps_a_chance_and_none_has_more_than_one(p, inconsistent, spread, gap, head):
    made = usefulness(
        [p], inconsistent=[inconsistent], spread=[spread], disagreement=[gap], head=[head]
    )
    assert FLOOR <= made[0] <= 1


def test_a_label_near_even_is_more_useful_than_a_sure_one():
    weights = usefulness([0.5, 0.6, 0.8, 0.99, 0.01])
    assert (np.diff(weights[:4]) < 0).all()
    np.testing.assert_allclose(weights[3], weights[4])


def test_a_pair_without_a_label_is_the_most_useful():
    assert usefulness([float("nan")], head=[0.9]).tolist() == [1.0]


def test_orders_principles_or_judges_that_disagree_make_a_sure_label_useful():
    sure = usefulness([0.99])[0]
    assert usefulness([0.99], inconsistent=[True])[0] > sure
    assert usefulness([0.99], spread=[0.4])[0] > sure
    assert usefulness([0.99], disagreement=[0.9])[0] > sure


def test_a_head_against_the_label_counts_most_and_one_that_agrees_calms():
    against, agrees, none = usefulness([0.9] * 3, head=[0.1, 0.99, float("nan")])
    assert against > none > agrees


def test_turning_the_sides_changes_nothing():
    p, head = np.array([0.2, 0.7, 0.5]), np.array([0.9, 0.6, 0.3])
    here, there = usefulness(p[:2], head=head[:2]), usefulness(1 - p[:2], head=1 - head[:2])
    np.testing.assert_allclose(here, there)


def test_a_million_pairs_take_well_under_a_second():
    made = usefulness(np.linspace(0, 1, 1_000_000), head=np.linspace(1, 0, 1_000_000))
    assert made.shape == (1_000_000,)
