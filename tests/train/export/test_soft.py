"""Soft labels for a trainer that knows hard ones."""

import math

import pytest

from cai_core.train.export.soft import COPIES, hard_pairs
from tests.train.conftest import preference_rows


def row(p, weight=1.0):
    return preference_rows(1, p=p)[0] | {"weight": weight}


def test_the_likelier_side_is_chosen_and_ties_are_left_out():
    found = hard_pairs([row(0.9), row(0.3), row(0.5), row(1.0)], "harden")
    assert [one["chosen"][0]["content"] for one in found.rows] == [
        *("yes yes good", "no no bad", "yes yes good")
    ]
    assert found.words.startswith(
        "2 of 4 pairs have a soft label, 1 are ties; hard ones only are known"
    )


@pytest.mark.parametrize("p", [0.0, 0.5, 0.73, 1.0])
@pytest.mark.parametrize("gap", [-1.0, 0.4])
def test_repeated_pairs_have_the_loss_of_the_soft_label(p, gap):
    found = hard_pairs([row(p)], "repeat")
    assert len(found.rows) == COPIES
    turned = sum(one["chosen"][0]["content"] == "no no bad" for one in found.rows)

    def loss(d):
        return math.log1p(math.exp(-d))

    mean = ((COPIES - turned) * loss(gap) + turned * loss(-gap)) / COPIES
    assert mean == pytest.approx(p * loss(gap) + (1 - p) * loss(-gap), abs=abs(gap) / (2 * COPIES))


def test_rows_without_weight_are_left_out_and_other_weights_are_told():
    found = hard_pairs([row(0.9, 0.0), row(0.9, 2.0)], "harden")
    assert len(found.rows) == 1
    assert found.words.endswith("; 2 weights other than 1 are not carried")
