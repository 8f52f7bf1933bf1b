"""Verdicts from a screen: stored once, however often they are sent, and taken back one by one."""

import pytest

from cai_core.errors import DataError, NotFoundError
from cai_core.schema import ConstitutionRef, Review
from cai_core.store import draws, labels, pairs, verdicts
from cai_core.store.draws import Queue
from cai_core.store.verdicts import Press
from tests.store.rows import pair


@pytest.fixture
def filled(db):
    pairs.add(db, [pair(f"q{at}") for at in range(10)])
    return db


def test_a_press_that_is_sent_twice_is_stored_once(filled):
    [lease] = draws.lease(filled, "Ada", Queue(), n=1)
    press = Press(
        "tab", 1, lease.pair.id, "b", shown="ba", clear=True, reasons=("harmful",), note="x"
    )
    first = verdicts.give(filled, press, person="Ada")
    assert verdicts.give(filled, press, person="Ada") == first
    assert filled["labels"].count == 1
    review = labels.get(filled, first).label.review
    assert (review.clear, review.reasons, review.note, review.shown) == (
        True,
        ("harmful",),
        "x",
        "ba",
    )
    assert (review.queue, review.pi, review.first) == ("even", 0.1, True)
    assert verdicts.last_number(filled, "tab") == 1
    assert verdicts.last_number(filled, "another") == 0


def test_the_same_number_of_another_tab_is_another_press(filled):
    for tab in ("one", "two"):
        verdicts.give(filled, Press(tab, 1, pair("q1").id, "a"), person="Ada")
    assert filled["labels"].count == 2


def test_a_pair_opened_by_hand_has_no_chance(filled):
    key = verdicts.give(filled, Press("tab", 1, pair("q1").id, "a"), person="Ada")
    review = labels.get(filled, key).label.review
    assert (review.queue, review.pi) == ("opened", None)
    assert filled["draws"].count == 0


def test_a_verdict_ends_the_lease(filled):
    [lease] = draws.lease(filled, "Ada", Queue(), n=1)
    verdicts.give(filled, Press("tab", 1, lease.pair.id, "a"), person="Ada")
    assert filled["leases"].count == 0


def test_a_late_verdict_is_kept_though_the_lease_went_to_another(filled):
    [lease] = draws.lease(filled, "Ada", Queue(), n=1)
    draws.release(filled, "Ada")
    draws.lease(filled, "Grace", Queue(), n=10)
    verdicts.give(filled, Press("tab", 1, lease.pair.id, "a"), person="Ada")
    assert filled["labels"].count == 1
    assert filled["leases"].count == 10


def test_undo_goes_back_as_far_as_one_likes_and_is_stored_once(filled):
    for number in (1, 2, 3):
        verdicts.give(filled, Press("tab", number, pair(f"q{number}").id, "a"), person="Ada")
    back = [
        verdicts.undo_last(filled, person="Ada", client="tab", number=n) for n in (4, 4, 5, 6, 7)
    ]
    assert back == [pair("q3").id, pair("q3").id, pair("q2").id, pair("q1").id, None]
    assert labels.people(filled) == {}


def test_nothing_is_stored_of_a_press_that_cannot_be_read(filled):
    with pytest.raises(DataError, match="a verdict is one of"):
        verdicts.give(filled, Press("tab", 1, pair("q1").id, "c"), person="Ada")
    with pytest.raises(NotFoundError, match="there is no pair"):
        verdicts.give(filled, Press("tab", 1, "gone", "a"), person="Ada")
    with pytest.raises(DataError, match="needs a name"):
        verdicts.give(filled, Press("tab", 1, pair("q1").id, "a"), person=" ")
    assert verdicts.last_number(filled, "tab") == 0


def test_a_pair_whose_verdict_is_taken_back_is_leased_again_as_it_was_drawn(filled):
    [lease] = draws.lease(filled, "Ada", Queue(), n=1)
    verdicts.give(filled, Press("tab", 1, lease.pair.id, "a"), person="Ada")
    back = verdicts.undo_last(filled, person="Ada", client="tab", number=2, queue=Queue())
    assert back == lease.pair.id
    held = draws.lease(filled, "Ada", Queue(), n=1)
    assert [(one.pair.id, one.queue, one.pi) for one in held] == [(back, "even", lease.pi)]
    key = verdicts.give(filled, Press("tab", 3, back, "b"), person="Ada")
    review = labels.get(filled, key).label.review
    assert (review.queue, review.pi, review.first) == ("even", lease.pi, False)
    assert filled["draws"].count == 1


def test_a_pair_that_was_opened_by_hand_is_not_leased_when_it_is_taken_back(filled):
    verdicts.give(filled, Press("tab", 1, pair("q1").id, "a"), person="Ada")
    verdicts.undo_last(filled, person="Ada", client="tab", number=2, queue=Queue())
    assert filled["leases"].count == 0


def test_a_verdict_keeps_the_constitution_that_was_beside_the_pair(filled):
    ref = ConstitutionRef("short", "abc", 3)
    key = verdicts.give(filled, Press("tab", 1, pair("q1").id, "a"), person="Ada", under=ref)
    label = labels.get(filled, key).label
    assert label.constitution == ref
    assert label.review.constitution_version == 3
    assert verdicts.pairs_under(filled, ["abc"], []) == (pair("q1").id,)
    assert verdicts.pairs_under(filled, ["x"], [3]) == ()


def test_a_verdict_of_before_names_were_kept_is_found_by_its_number(filled):
    old = labels.verdict_label(pair("q2"), "a", review=Review(True, "all", None, "Ada", 1))
    labels.add(filled, old)
    assert verdicts.pairs_under(filled, ["abc"], [1, 2]) == (pair("q2").id,)
    assert verdicts.pairs_under(filled, ["abc"], [2]) == ()


def test_what_was_given_today_is_counted_by_queue_without_what_was_taken_back(filled):
    for number, lease in enumerate(draws.lease(filled, "Ada", Queue(), n=3), start=1):
        verdicts.give(filled, Press("tab", number, lease.pair.id, "a"), person="Ada")
    verdicts.undo_last(filled, person="Ada", client="tab", number=4)
    verdicts.give(filled, Press("tab", 5, pair("q1").id, "a"), person="Bob")
    assert verdicts.given_since(filled, "Ada", "2000") == {"even": 2}
    assert verdicts.given_since(filled, "Ada", "3000") == {}
