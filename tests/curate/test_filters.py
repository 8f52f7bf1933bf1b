"""Which rows stay out, and why."""

import pytest

from cai_core.curate.filters import Filters, answer_reason, pair_reason
from cai_core.errors import DataError

PLAIN = {"p_a": 0.9, "source": "judge", "inconsistent": False}


@pytest.mark.parametrize(
    ("filters", "pair", "reason"),
    [
        ({}, {}, None),
        ({}, {"inconsistent": True}, None),
        ({"drop_inconsistent": True}, {"inconsistent": True}, "inconsistent"),
        ({"people_only": True}, {}, "not reviewed"),
        ({"people_only": True}, {"source": "people"}, None),
        ({}, {"p_a": 0.5}, "tie"),
        ({"keep_ties": True}, {"p_a": 0.5}, None),
        ({"min_margin": 0.2}, {"p_a": 0.4}, "small margin"),
        ({"min_margin": 0.2}, {"p_a": 0.1}, None),
        ({"min_margin": 0.2}, {"p_a": 0.4, "source": "people"}, None),
        ({"min_margin": 0.2, "keep_ties": True}, {"p_a": 0.5}, None),
    ],
)
def test_a_pair_stays_out_for_its_reason(filters, pair, reason):
    assert pair_reason(Filters.of(filters), **PLAIN | pair) == reason


@pytest.mark.parametrize(
    ("filters", "answer", "reason"),
    [
        ({}, "Use a clean pan.", None),
        ({}, " ", "empty"),
        ({}, "I'm sorry, I can't help with that.", None),
        ({"drop_refusals": True}, "I'm sorry, I can't help with that.", "refusal"),
        ({"drop_boilerplate": True}, "Sure, here is a revised response: Hi.", "boilerplate"),
        ({"max_repetition": 0.3}, "a b c d " * 5, "repetition"),
        ({"min_words": 3}, "too few", "too short"),
        ({"max_words": 3}, "these are four words", "too long"),
    ],
)
def test_an_answer_stays_out_for_its_reason(filters, answer, reason):
    assert answer_reason(Filters.of(filters), answer) == reason


@pytest.mark.parametrize(
    "values", [{"min_margin": 0.5}, {"min_margin": "x"}, {"max_words": 0}, {"unknown": 1}]
)
def test_a_wrong_filter_is_refused(values):
    with pytest.raises(DataError, match="filter '"):
        Filters.of(values)


def test_filters_read_texts_from_a_command_line():
    filters = Filters.of({"min_margin": "0.1", "keep_ties": "true"})
    assert filters.active == {"min_margin": 0.1, "keep_ties": True}
