"""A principle that does not bear on a pair has no vote; the label says which those were."""

import math
from dataclasses import replace

import pytest

from cai_core.feedback.judge import judge, judge_one
from cai_core.feedback.votes import Options, Vote, tally
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Label
from cai_core.settings import JudgeSetting
from tests.feedback.conftest import odds_of, pair

MAY = JudgeSetting(template="compare-1", abstain=True)
TRUE, KIND, SAFE = "Which is more true?", "Which is kinder?", "Say who is hurt."


def abstaining_judge(none):
    """P(C) by a text of the question, the rest by the numbers in the answers."""

    def score(chat, choice):
        c = next((p for text, p in none.items() if text in chat[-2].content), 0.0)
        a = 1 / (1 + math.exp(-odds_of(chat)))
        p = {" A": (1 - c) * a, " B": (1 - c) * (1 - a), " C": c}.get(choice, 0.0)
        return math.log(p) if p else -math.inf

    return ScriptedModel(choice_scores=score)


def test_a_principle_that_does_not_apply_has_no_vote(rules):
    model = abstaining_judge({KIND: 0.9, SAFE: 0.2})
    (label,) = judge([pair(3, 1)], rules, model, MAY)
    assert set(label.votes) == {"true", "safe"}
    assert label.not_applicable == {"kind": pytest.approx(0.9)}
    assert label.p_a == pytest.approx(1 / (1 + math.exp(-2)))
    assert label.mass == pytest.approx(1.0)
    assert label.template == "compare-1+abstain"


def test_where_none_applies_the_label_is_null_with_that_reason(rules):
    model = abstaining_judge({TRUE: 0.9, KIND: 0.8, SAFE: 0.7})
    (label,) = judge([pair(3, 1)], rules, model, MAY)
    assert (label.verdict, label.p_a) == (None, None)
    assert label.error == "no verdict: by the judge 3 of 3 principles do not apply to this pair"
    assert set(label.not_applicable) == {"true", "kind", "safe"}


def test_only_where_it_is_on_is_there_a_third_option(rules):
    asked = []

    class Noting(ScriptedModel):
        def score_choices(self, chats, choices):
            asked.append((chats[0][0].content, tuple(choices)))
            return super().score_choices(chats, choices)

    scores = abstaining_judge({})._scores
    for setting in (MAY, replace_setting(abstain=False), replace_setting(principles="whole")):
        list(judge([pair(3, 1)], rules, Noting(choice_scores=scores), setting))
    assert [len(choices) for _, choices in asked] == [6, 4, 4]
    assert ["Response C" in text for text, _ in asked] == [True, False, False]


def replace_setting(**fields):
    return MAY.model_copy(update=fields)


def test_a_drawn_principle_may_abstain_too(rules):
    model = abstaining_judge({TRUE: 0.9, KIND: 0.9, SAFE: 0.9})
    (label,) = judge([pair(3, 1)], rules, model, replace_setting(principles="draw"))
    assert label.verdict is None
    assert len(label.not_applicable) == 1


def test_both_orders_decide_together_whether_it_applies():
    def vote(first, second):
        return Vote("kind", 1.0, Options(0.7, 1.0, first), Options(0.4, 1.0, second))

    assert vote(0.9, 0.3).abstains
    assert not vote(0.7, 0.2).abstains
    assert vote(0.9, 0.9).p_none == pytest.approx(0.9)
    assert math.isnan(Vote("kind", 1.0, Options(0.7, 1.0), Options(0.4, 1.0)).p_none)


def test_without_mass_nothing_abstains():
    vote = Vote("kind", 1.0, Options(0.5, 0.1, 0.9), Options(0.5, 0.1, 0.9))
    label = tally(pair(1, 2), [vote], tie_band=0.0)
    assert label.not_applicable == {}
    assert "0.10 of its probability" in label.error


def test_mass_is_over_all_three_and_an_unreported_option_is_at_its_bound():
    logs = [[math.log(p) if p else -math.inf] for p in (0.3, 0.1, 0.5)]
    found = Options.of_logs(*map(as_array, logs))
    assert found.mass == pytest.approx(0.9)
    assert found.p_first == pytest.approx(0.75)
    assert found.p_none == pytest.approx(0.5 / 0.9)
    only = Options.of_logs(as_array([-math.inf]), as_array([-math.inf]), as_array([math.log(0.98)]))
    assert only.p_first == pytest.approx(0.5)
    assert only.p_none == pytest.approx(0.98 / 1.02)


def as_array(values):
    import numpy as np

    return np.array(values)


def test_a_sampled_third_letter_is_an_abstention(rules):
    model = ScriptedModel(answers=lambda chat: "C" if KIND in chat[-2].content else "A")
    (label,) = judge([pair(3, 1)], rules, model, replace_setting(method="repeat", repeats=4))
    assert label.not_applicable == {"kind": pytest.approx(4.5 / 5)}
    assert set(label.votes) == {"true", "safe"}
    off = replace_setting(method="repeat", repeats=4, abstain=False)
    (label,) = judge([pair(3, 1)], rules, ScriptedModel(answers=lambda chat: "C"), off)
    assert label.mass == 0.0


def test_reasoning_may_end_in_an_abstention(rules):
    scores = abstaining_judge({KIND: 0.9})._scores
    model = ScriptedModel(answers=lambda chat: "It is about tea.", choice_scores=scores)
    judged = judge_one(pair(3, 1), rules, model, replace_setting(method="cot"))
    assert set(judged.label.not_applicable) == {"kind"}
    assert "It is about tea." in judged.label.rationale


def test_a_row_keeps_what_did_not_apply(rules):
    model = abstaining_judge({KIND: 0.9})
    (label,) = judge([pair(3, 1)], rules, model, MAY)
    again = Label.from_row(label.to_row())
    assert again == label
    assert "not_applicable" not in replace(label, not_applicable={}).to_row()
