"""Judges and writers that think first: their thoughts decide nothing and stand in no answer."""

from cai_core.feedback.batch import QUIET, generate_each
from cai_core.feedback.judge import judge
from cai_core.feedback.methods import VERDICT_TOKENS
from cai_core.feedback.revise import ReviseSettings, revise
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Prompt, Sampling, user
from cai_core.settings import JudgeSetting
from tests.feedback.conftest import pair, scripted_judge


def test_a_thought_is_no_part_of_an_answer():
    model = ScriptedModel(["<think>Tea.</think>\nBoil water.", "<think>And so on"])
    first, second = generate_each(model, [(user("Tea?"),)] * 2, Sampling(), QUIET)
    assert (first.text, first.thinking) == ("Boil water.", "Tea.")
    assert "still thinking" in str(second)


def test_revisions_are_made_without_thoughts(rules):
    model = ScriptedModel(["<think>x</think>Hello", "<think>y</think>Cold.", "z</think>Hello!"])
    settings = ReviseSettings(examples=False)
    (row,) = revise([Prompt.of((user("Hi"),))], rules, model, settings)
    assert (row.initial, row.rounds[0].critique, row.final) == ("Hello", "Cold.", "Hello!")


def test_an_answer_that_is_all_thinking_is_an_error_of_its_row(rules):
    model = ScriptedModel(["<think>hm"])
    (row,) = revise([Prompt.of((user("Hi"),))], rules, model, ReviseSettings())
    assert row.error.startswith("no answer: the model was still thinking")


def test_a_judges_thought_stands_in_the_rationale_and_not_before_the_options(rules):
    model = ScriptedModel(
        answers=lambda chat: "<think>B, no, A.</think>It is longer.",
        choice_scores=scripted_judge()._scores,
    )
    (label,) = judge([pair(9, 1)], rules, model, JudgeSetting(method="cot"))
    assert "B, no, A.\n\nIt is longer." in label.rationale
    assert "no, A" not in model.history[-1][-1].content
    assert "It is longer." in model.history[-1][-1].content


def test_a_sampled_verdict_is_read_behind_the_thought(rules):
    model = ScriptedModel(answers=lambda chat: "<think>Not B.</think>\n\nA")
    (label,) = judge([pair(9, 1)], rules, model, JudgeSetting(method="repeat", repeats=2))
    assert label.mass == 1.0


def test_a_judge_that_thinks_for_long_is_given_room_for_its_verdict(rules):
    class Slow(ScriptedModel):
        def generate(self, chats, params, **more):
            self._answers = lambda chat: (
                "<think>Well" if params.max_new_tokens <= VERDICT_TOKENS else "Well</think>B"
            )
            return super().generate(chats, params, **more)

    (label,) = judge([pair(9, 1)], rules, Slow(), JudgeSetting(method="repeat", repeats=2))
    assert label.mass == 1.0
    endless = ScriptedModel(answers=lambda chat: "<think>Well")
    (label,) = judge([pair(9, 1)], rules, endless, JudgeSetting(method="repeat", repeats=2))
    assert label.verdict is None
    assert "still thinking" in label.error
