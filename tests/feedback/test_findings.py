"""What many judgements show: how much votes are worth, and how a panel got on."""

import math

import numpy as np
import pytest

from cai_core.feedback.findings import Findings, VotesWorth, tell_of, votes_worth
from cai_core.schema import Ballot, Label
from tests.feedback.conftest import pair


def votes_of(table):
    return [{f"p{place}": p for place, p in enumerate(row)} for row in table]


def label_of(place, verdicts):
    ballots = tuple(
        Ballot(f"judge {number}", verdict, 0.5 if verdict else None, error="" if verdict else "no")
        for number, verdict in enumerate(verdicts)
    )
    return Label(pair(place, 1), "a", 0.7, panel=ballots)


def test_principles_that_always_agree_are_worth_one_vote():
    p = np.random.default_rng(0).random((50, 1))
    found = votes_worth(votes_of(np.repeat(p, 6, axis=1)))
    assert found == VotesWorth(6, pytest.approx(1.0), 50)


def test_independent_principles_are_worth_nearly_their_number():
    found = votes_worth(votes_of(np.random.default_rng(0).random((400, 6))))
    assert 5.5 < found.effective <= 6


def test_with_too_few_pairs_nothing_is_claimed():
    found = votes_worth(votes_of(np.random.default_rng(0).random((6, 6))))
    assert math.isnan(found.effective)
    assert "6 pairs are too few" in found.sentence
    assert found.to_row()["effective"] is None
    assert math.isnan(VotesWorth.from_row(found.to_row()).effective)


def test_one_question_a_pair_has_no_votes_to_count():
    assert votes_worth([{"whole": 0.7}, {"whole": 0.2}]) is None
    assert votes_worth([{}]) is None


def test_a_principle_without_a_vote_leans_nowhere():
    rows = votes_of(np.random.default_rng(0).random((50, 3)))
    missing = [dict(row) for row in rows]
    for row in missing[:10]:
        del row["p2"]
    filled = [{"p2": 0.5} | row for row in missing]
    assert votes_worth(missing).effective == pytest.approx(votes_worth(filled).effective)


def test_a_panel_is_told_by_its_disagreement_and_who_had_no_verdict():
    found = tell_of([label_of(1, ["a", "b"]), label_of(2, ["a", "a"]), label_of(3, ["a", None])])
    assert (found.disagreement, found.compared) == (0.5, 2)
    assert found.sentences == [
        "two judges of the panel differ on 50% of pairs (2 pairs)",
        "judge 1 had no verdict on 1 of 3 pairs",
    ]
    assert Findings.from_row(found.to_row() | {"rows": 3}) == found


def test_a_single_judge_has_nothing_to_tell_of_a_panel():
    found = tell_of([Label(pair(1, 2), "a", 0.7)])
    assert (found.sentences, found.to_row()) == ([], {"cut": 0})
