"""What the browser sends is read with care, and a row of the card keeps every word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.schema import Pair, user
from ui.review_card import KeyPress, handed_of
from ui.review_rows import folded, pair_row

WORDS = st.lists(st.sampled_from(["take", "a", "clean", "pan", "\n\n", "wait."]), max_size=160)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(ODD)
def test_whatever_is_sent_never_breaks_the_page(sent):
    handed_of(sent)
    handed_of({"nonce": sent, "list": sent})
    press = {"client": "x", "number": 1, "act": "say", "reasons": sent, "ms": sent, "shown": sent}
    handed_of({"list": [press]})


@pytest.mark.parametrize(
    "row",
    [
        None,
        {},
        {"client": 1, "number": 1, "act": "say"},
        {"client": "x", "number": True, "act": "say"},
        {"client": "x", "number": 0, "act": "say"},
        {"client": "x", "number": 1, "act": "drop tables"},
        {"client": "x" * 300, "number": 1, "act": "say"},
        {"client": "x", "number": 2**63, "act": "say"},
    ],
)
def test_what_the_card_never_sends_is_no_press(row):
    assert KeyPress.from_row(row) is None


@given(WORDS, WORDS)
def test_a_row_keeps_every_word_of_both_answers(one, other):
    a, b = " ".join(one), " ".join(other)
    row = pair_row(Pair.of((user("Hi"),), a, b), "Ada")
    joined = ["".join(part.text for part in box.parts) for box in row.boxes]
    assert joined == ([b, a] if row.shown == "ba" else [a, b])


def test_a_long_equal_stretch_is_folded_between_its_ends():
    shared = " ".join(f"word{n}" for n in range(60))
    row = pair_row(Pair.of((user("Hi"),), f"One. {shared} End.", f"Two. {shared} Stop."), "Ada")
    folds = [[part for part in box.parts if part.kind == "fold"] for box in row.boxes]
    assert [len(found) for found in folds] == [1, 1]
    assert folds[0] == folds[1]
    assert folds[0][0].words > 40
    assert folds[0][0].text.startswith("word")


def test_nothing_short_is_folded():
    assert all(part.kind != "fold" for part in folded([]))
    row = pair_row(Pair.of((user("Hi"),), "so it is then", "so it was then"), "Ada")
    assert all(part.kind != "fold" for box in row.boxes for part in box.parts)
