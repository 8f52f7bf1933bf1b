"""Measures of one text."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core import text


@given(st.text(), st.text())
def test_a_word_diff_gives_both_texts_back(old, new):
    parts = text.word_diff(old, new)
    assert "".join(p.text for p in parts if p.op != "added") == old
    assert "".join(p.text for p in parts if p.op != "removed") == new


@pytest.mark.parametrize(
    ("answer", "refuses"),
    [
        ("I’m sorry, but I cannot help with that.", True),
        ("I can't assist with this request.", True),
        ("As an AI, I have no opinion.", True),
        ("I am not able to help you here.", True),
        ("Boil the water first, then add the leaves.", False),
        ("You can't boil it twice; start again.", False),
    ],
)
def test_refusals_are_told_by_their_wording(answer, refuses):
    assert text.is_refusal(answer) is refuses


def test_splits_are_about_eighty_ten_ten_and_ignore_case_and_punctuation():
    counts = Counter(text.split_of(f"question {i}") for i in range(5000))
    assert 0.77 < counts["train"] / 5000 < 0.83
    assert 0.08 < counts["dev"] / 5000 < 0.12
    assert text.split_of("What's up?") == text.split_of("what s UP")


def test_repetition_rises_when_a_text_loops():
    assert text.repetition("the cat sat on the mat and slept") == 0
    assert text.repetition("I can do that. " * 20) > 0.8
