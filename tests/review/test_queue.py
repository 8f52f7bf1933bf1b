"""Which pairs come up for review."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import DataError
from cai_core.review.queue import SURE, Candidate, draw, inclusion, uncertainty
from cai_core.schema import Label, Pair, user


def candidate(n, p=None, **more):
    pair = Pair.of((user(f"q {n}"),), "one", "two")
    label = Label(pair, "a", p, **more) if p is not None else None
    return Candidate(f"p{n:03}", label)


MANY = [candidate(n) for n in range(50)]


def ids(places):
    return [place.pair_id for place in places]


def test_all_pairs_come_up_shuffled_and_certain():
    places = draw("all", MANY)
    assert sorted(ids(places)) == [c.pair_id for c in MANY]
    assert ids(places) != sorted(ids(places))
    assert {place.pi for place in places} == {1.0}


def test_the_same_seed_gives_the_same_queue_whatever_the_order_of_candidates():
    assert draw("even", MANY, size=9, seed=4) == draw("even", MANY[::-1], size=9, seed=4)
    assert draw("even", MANY, size=9, seed=4) != draw("even", MANY, size=9, seed=5)


def test_an_even_sample_has_its_size_and_its_chance():
    places = draw("even", MANY, size=10)
    assert len(set(ids(places))) == 10
    assert [place.pi for place in places] == pytest.approx([0.2] * 10)


def test_a_sample_is_never_larger_than_what_there_is():
    assert len(draw("even", MANY, size=999)) == 50
    assert len(draw("uncertain", MANY)) == 50
    assert draw("even", []) == []


def test_unsure_pairs_come_up_as_often_as_their_pi_says():
    mixed = [candidate(n, 0.5 if n < 5 else 0.99) for n in range(25)]
    seen = Counter()
    for seed in range(2000):
        places = draw("uncertain", mixed, size=5, seed=seed)
        assert len(places) == 5
        seen.update(ids(places))
    pi = {
        place.pair_id: place.pi
        for s in range(60)
        for place in draw("uncertain", mixed, size=5, seed=s)
    }
    assert pi["p000"] == pytest.approx(10 * pi["p020"] * (0.1 / SURE))
    for key, chance in pi.items():
        assert seen[key] / 2000 == pytest.approx(chance, abs=0.05)


def test_what_was_not_judged_is_as_uncertain_as_can_be():
    assert uncertainty(candidate(0)) == uncertainty(candidate(1, 0.5)) == 1
    assert uncertainty(candidate(2, 0.0)) == uncertainty(candidate(3, 1.0)) == SURE


def test_inconsistent_and_disputed_pairs_are_picked():
    some = [
        candidate(0, 0.6, inconsistent=True),
        candidate(1, 0.6, inconsistent=False),
        candidate(2),
    ]
    assert ids(draw("inconsistent", some)) == ["p000"]
    assert ids(draw("disputed", some, disputed={"p002"})) == ["p002"]


def test_a_wrong_queue_or_size_is_a_sentence():
    with pytest.raises(DataError, match="there is no queue 'x'; there are all, even"):
        draw("x", MANY)
    with pytest.raises(DataError, match="at least one pair"):
        draw("even", MANY, size=0)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=40), st.data())
def test_chances_are_probabilities_that_sum_to_the_size(weights, data):
    size = data.draw(st.integers(1, len(weights)))
    chances = inclusion(weights, size)
    assert all(0 < chance <= 1 for chance in chances)
    assert sum(chances) == pytest.approx(size)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40), st.data())
def test_a_sample_has_exactly_its_size(probabilities, data):
    some = [candidate(n, p) for n, p in enumerate(probabilities)]
    size = data.draw(st.integers(1, len(some)))
    places = draw("uncertain", some, size=size, seed=data.draw(st.integers(0, 99)))
    assert len(places) == len(set(ids(places))) == size
