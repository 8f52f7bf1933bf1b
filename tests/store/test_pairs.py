"""Pairs: identity, orientation, filters."""

import pytest

from cai_core.errors import NotFoundError
from cai_core.schema import Pair
from cai_core.store import labels, pairs
from cai_core.store.pairs import PairFilter
from tests.store.rows import PAIR, REF, TEA, judgement, pair, review


def ids(found):
    return [each.id for each in found]


def test_a_pair_comes_back_whole(db):
    given = Pair.of(TEA, "Boil water.", "No. 茶", extra={"n": 1})
    added = pairs.add(db, [given], source="mine", job="j")
    assert added == pairs.Added((given.id,), 1)
    found = pairs.get(db, given.id)
    assert (found.pair, found.source, found.job) == (given, "mine", "j")


def test_a_pair_seen_again_keeps_its_first_orientation_and_id(db):
    pairs.add(db, [Pair("first", TEA, "x", "y")], source="one")
    added = pairs.add(db, [Pair("second", TEA, "y", "x")], source="two")
    assert added == pairs.Added(("first",), 0)
    found = pairs.get(db, "first")
    assert (found.pair.response_a, found.source) == ("x", "one")
    assert pairs.count(db) == 1


def test_the_same_answers_to_another_prompt_are_another_pair(db):
    assert pairs.add(db, [pair("one"), pair("two")]).new == 2


def test_an_id_that_other_content_has_becomes_the_identity(db):
    other = Pair("1", TEA, "x", "y")
    added = pairs.add(db, [Pair("1", TEA, "p", "q"), other])
    assert added.ids == ("1", Pair.id_of(TEA, "x", "y"))
    assert pairs.stored(db, other).id == added.ids[1]


def test_the_texts_are_stored_once(db):
    pairs.add(db, [pair("one"), pair("two"), pair("three")])
    assert db["texts"].count == 5  # three prompts, two answers


def test_pairs_are_filtered_by_what_stands_in_them(db):
    pairs.add(db, [pair("One", a="Überall"), pair("two", a="Here")], source="s", job="j")
    pairs.add(db, [pair("three", a="There")], source="t", split="test")
    for where, n in [
        (PairFilter(text="ONE"), 1),
        (PairFilter(text="her"), 1),
        (PairFilter(text="uberall ONE"), 1),
        (PairFilter(text='one" OR "two'), 0),
        (PairFilter(text="100%_"), 0),
        (PairFilter(text="%"), 0),
        (PairFilter(source="s"), 2),
        (PairFilter(job="j", text="two"), 1),
        (PairFilter(split="test", source="t"), 1),
        (PairFilter(), 3),
    ]:
        assert (pairs.count(db, where), len(pairs.find(db, where))) == (n, n), where
    assert pairs.sources(db) == ["s", "t"]


def test_pairs_are_filtered_by_their_standing_labels(db):
    one, two, three = (pair(q) for q in ("one", "two", "three"))
    pairs.add(db, [one, two, three])
    labels.add(db, judgement(one))
    labels.add(db, judgement(two, verdict=None, p_a=None, error="no verdict"))
    event = labels.add(db, labels.verdict_label(one, "a", review=review("Ada")))
    labels.add(db, labels.verdict_label(three, "b", review=review("Grace")))

    def found(**where):
        return ids(pairs.find(db, PairFilter(**where)))

    assert found(judged=True) == [one.id]
    assert found(judged=False) == [two.id, three.id]
    assert found(judged=True, constitution=REF.hash) == [one.id]
    assert found(judged=False, constitution="other") == [one.id, two.id, three.id]
    assert found(reviewed=True) == [one.id, three.id]
    assert found(seen_by="Ada") == [one.id]
    assert found(not_seen_by="Ada", reviewed=True) == [three.id]
    labels.undo(db, event, who="Ada")
    assert found(seen_by="Ada") == []
    assert found(reviewed=True) == [three.id]


def test_pages_of_pairs_follow_each_other_without_gaps(db):
    given = [pair(str(n)) for n in range(7)]
    pairs.add(db, given)
    parts = [pairs.find(db, limit=3, offset=n) for n in (0, 3, 6)]
    assert ids(each for part in parts for each in part) == ids(given)
    assert ids(pairs.find(db, order="newest", limit=2)) == ids(given[:-3:-1])


def test_many_are_fetched_by_id_and_unknown_ones_left_out(db):
    given = [pair(str(n)) for n in range(1200)]
    pairs.add(db, given)
    assert set(pairs.many(db, [*ids(given), "x"])) == set(ids(given))


def test_what_is_not_there_is_said(db):
    with pytest.raises(NotFoundError, match="no pair with the id 'x'"):
        pairs.get(db, "x")
    assert pairs.stored(db, PAIR) is None


def test_a_pair_is_stored_though_another_one_was_given_its_id(db):
    mine = pair("mine")
    squatter = Pair(mine.identity, TEA, "x", "y")
    added = pairs.add(db, [squatter, mine])
    assert added.new == 2
    assert [pairs.get(db, key).pair.prompt for key in added.ids] == [TEA, mine.prompt]
    assert pairs.add(db, [mine]) == pairs.Added(added.ids[1:], 0)
