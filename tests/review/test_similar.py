"""Pairs like one."""

from cai_core.review.similar import pairs_like
from cai_core.schema import Pair, user


def pair(question):
    return Pair.of((user(question),), "Yes.", "No.")


TEA, LOCK, FOX = (
    pair("How do I make green tea?"),
    pair("How do I pick a lock?"),
    pair("A fox story"),
)


def test_the_pair_that_shares_rare_words_comes_first():
    assert pairs_like(["Is green tea healthy?"], [LOCK, FOX, TEA], most=2)[0] == TEA


def test_pairs_without_a_shared_word_are_left_out():
    assert pairs_like(["zebra"], [LOCK, TEA], most=5) == []


def test_nothing_is_like_nothing():
    assert pairs_like(["tea"], [], most=5) == []
    assert pairs_like([""], [Pair.of((user("?"),), "!", ".")], most=5) == []
