"""What is shown beside a principle is, word for word, what the stages send."""

from dataclasses import replace

import pytest

from cai_core.feedback.examples import shipped_comparisons, shipped_revisions
from cai_core.feedback.judge import judge_one
from cai_core.feedback.revise import ReviseSettings, revise
from cai_core.feedback.seen import CONVERSATION, CRITIQUE, FIRST, SECOND, seen
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Constitution, Pair, Prompt, Sampling, user
from cai_core.settings import JudgeSetting

SETTINGS = [
    JudgeSetting(),
    JudgeSetting(template="compare-5", abstain=True),
    JudgeSetting(template="compare-4", examples=4),
    JudgeSetting(principles="whole"),
    JudgeSetting(method="cot"),
]


def shown(principle, constitution, setting=SETTINGS[0], rounds=()):
    examples = shipped_comparisons()
    return seen(principle, constitution, setting=setting, examples=examples, rounds=rounds)


@pytest.mark.parametrize("setting", SETTINGS, ids=range(len(SETTINGS)))
def test_the_judge_is_asked_what_is_shown(rules, setting):
    model = ScriptedModel(lambda chat: "because of this", lambda chat, choice: -1.0)
    judge_one(Pair.of((user(CONVERSATION),), FIRST, SECOND), rules, model, setting)
    for principle in rules.principles:
        comparison = shown(principle, rules, setting)[0]
        assert comparison.chat in model.history
        assert comparison.alone in comparison.chat[-2].content
        assert comparison.examples == setting.examples


@pytest.mark.parametrize("rounds", [(), shipped_revisions()], ids=["bare", "worked"])
def test_the_reviser_is_asked_what_is_shown(rules, rounds):
    for principle in rules.principles:
        model = ScriptedModel(answers=[FIRST, CRITIQUE, "Better."], context=100_000)
        settings = ReviseSettings(principle=principle.key, sampling=Sampling(64), shown=rounds)
        list(revise([Prompt.of(CONVERSATION)], rules, model, settings))
        _, critique, revision = shown(principle, rules, rounds=rounds)
        assert [critique.chat, revision.chat] == model.history[1:]
        assert critique.alone == critique.chat[-1].content
        assert (critique.examples, revision.examples) == (len(rounds), len(rounds))


def test_a_wording_that_was_filled_in_is_told(rules):
    general = {p.key: [piece.general for piece in shown(p, rules)] for p in rules.principles}
    assert general == {
        "true": [False, False, False],
        "kind": [False, True, True],
        "safe": [True, False, True],
    }


def test_a_disabled_principle_is_shown_though_it_is_not_asked(rules):
    off = replace(rules.principles[0], enabled=False)
    one = Constitution("rules", (off, *rules.principles[1:]))
    assert shown(off, one)[0].alone == off.text
