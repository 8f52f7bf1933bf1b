"""The judge: both orders, three methods, three ways with principles, and what fails."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from cai_core.errors import ConstitutionError, ModelError, Stopped
from cai_core.feedback.batch import PATIENCE
from cai_core.feedback.comparison import template_named
from cai_core.feedback.examples import shipped_comparisons
from cai_core.feedback.judge import judge, judge_one
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Constitution, ConstitutionRef, Hooks, assistant
from cai_core.settings import JudgeSetting
from cai_core.stats import logit, sigmoid
from tests.feedback.conftest import odds_of, pair, scripted_judge

EACH = JudgeSetting(template="compare-1")
FIRST = template_named("compare-1")
PAIRS = [pair(i, i % 3) for i in range(1, 6)]


def with_setting(**fields):
    return EACH.model_copy(update=fields)


def test_every_principle_is_asked_in_both_orders(rules):
    model = scripted_judge()
    list(judge([pair(3, 1)], rules, model, EACH))
    assert Counter(odds_of(chat) for chat in model.history) == {2.0: 3, -2.0: 3}


def test_the_better_answer_wins_whatever_the_position_bias(rules):
    labels = list(judge([pair(3, 1), pair(1, 3)], rules, scripted_judge(bias=1.0), EACH))
    assert [label.verdict for label in labels] == ["a", "b"]
    assert [round(label.offset, 6) for label in labels] == [1.0, 1.0]
    assert float(logit(labels[0].p_a)) == pytest.approx(2.0)


def test_swapping_the_answers_turns_the_judgement_round(rules):
    model = scripted_judge(bias=0.7)
    one, other = judge([pair(2, 1), pair(1, 2)], rules, model, EACH)
    assert one.p_a == pytest.approx(1 - other.p_a)
    assert one.offset == pytest.approx(other.offset)


def test_principles_vote_by_their_weight_and_weight_zero_does_not_vote(rules):
    first, second, third = rules.principles
    weighted = replace(
        rules,
        principles=(replace(first, weight=3.0), second, replace(third, weight=0.0)),
    )
    model = scripted_judge(wordings={second.text: -1.0})
    (label,) = judge([pair(3, 1)], weighted, model, EACH)
    assert set(label.votes) == {"true", "kind"}
    assert float(logit(label.p_a)) == pytest.approx((3 * 2 - 2) / 4)


def test_a_disabled_principle_is_not_asked(rules):
    off = replace(rules.principles[1], enabled=False)
    some = replace(rules, principles=(rules.principles[0], off, rules.principles[2]))
    (label,) = judge(PAIRS[:1], some, scripted_judge(), EACH)
    assert set(label.votes) == {"true", "safe"}


def test_a_constitution_in_which_nothing_has_weight_is_refused(rules):
    none = replace(rules, principles=tuple(replace(p, weight=0.0) for p in rules.principles))
    with pytest.raises(ConstitutionError, match="weight 0"):
        list(judge(PAIRS, none, scripted_judge(), EACH))


def test_one_principle_is_drawn_for_a_pair_and_always_the_same(rules):
    setting, many = with_setting(principles="draw"), [pair(i, 0) for i in range(60)]
    labels = list(judge(many, rules, scripted_judge(), setting))
    drawn = [next(iter(label.votes)) for label in labels]
    assert all(len(label.votes) == 1 for label in labels)
    assert set(drawn) == {"true", "kind", "safe"}
    again = judge(many[::-1], rules, scripted_judge(), setting, seed=9)
    assert [next(iter(label.votes)) for label in again] == drawn[::-1]


def test_the_whole_constitution_stands_in_one_question(rules):
    model = scripted_judge()
    (label,) = judge(PAIRS[:1], rules, model, with_setting(principles="whole"))
    assert len(model.history) == 2
    assert set(label.votes) == {"whole"}
    for text in ("Which is more true?", "Which is kinder?", "Say who is hurt."):
        assert text in model.history[0][0].content


def test_all_but_the_principle_is_a_shared_beginning(rules):
    model = scripted_judge()
    list(judge(PAIRS[:1], rules, model, EACH))
    texts = [chat[0].content for chat in model.history]
    for order in (texts[:3], texts[3:]):  # one order's chats stand together
        assert len({text[: text.index("[End of response B]")] for text in order}) == 1


def test_a_label_names_everything_it_was_made_with(rules):
    ref = ConstitutionRef.of(rules, 4)
    model = scripted_judge(id="scripted:x")
    (label,) = judge(PAIRS[:1], rules, model, EACH, ref=ref, seed=7)
    assert (label.annotator, label.method, label.principles) == ("scripted:x", "logprob", "each")
    assert (label.template, label.constitution, label.seed) == ("compare-1", ref, 7)
    assert label.kind == "judge"
    assert label.mass == pytest.approx(1.0)


def test_without_mass_the_label_is_null_with_its_reason(rules):
    (label,) = judge(PAIRS[:1], rules, scripted_judge(mass=0.3), EACH)
    assert (label.verdict, label.p_a) == (None, None)
    assert "0.30" in label.error


def test_an_unknown_template_is_refused(rules):
    with pytest.raises(ConstitutionError, match="compare-0"):
        list(judge(PAIRS, rules, scripted_judge(), with_setting(template="compare-0")))


# -- reasoning first


def test_reasoning_comes_before_the_options_and_clamps_the_result(rules):
    model = ScriptedModel(
        answers=lambda chat: "A is short.", choice_scores=scripted_judge()._scores
    )
    (label,) = judge([pair(9, 1)], rules, model, with_setting(method="cot"))
    assert label.p_a == 0.6
    assert label.p_raw == pytest.approx(float(sigmoid(8)), abs=1e-4)
    assert label.verdict == "a"
    assert "A is short." in label.rationale
    asked, scored = model.history[0], model.history[-1]
    assert asked[-1].content == FIRST.reasoning
    assert scored[-1].content.endswith(f"A is short.\n\n{FIRST.begun}")


def test_a_failed_reasoning_fails_its_pair_only(rules):
    def answers(chat):
        if "7" in chat[0].content:
            raise ModelError("refused")
        return "Fine."

    model = ScriptedModel(answers=answers, choice_scores=scripted_judge()._scores)
    labels = list(judge([pair(1, 2), pair(7, 2)], rules, model, with_setting(method="cot")))
    assert [label.verdict for label in labels] == ["b", None]
    assert labels[1].error == "refused"


# -- sampled verdicts


class Seeded(ScriptedModel):
    """Says A for one seed in three."""

    def generate(self, chats, params, **more):
        self._answers = lambda chat: " A." if params.seed % 3 == 0 else " B."
        return super().generate(chats, params, **more)


def test_repeated_verdicts_are_counted_with_a_seed_each(rules):
    one = Constitution("one", rules.principles[:1])
    setting = with_setting(method="repeat", repeats=6)
    (label,) = judge(PAIRS[:1], one, Seeded(), setting)
    assert label.orders.ab == pytest.approx(2.5 / 7)  # A twice in six, shown first
    assert label.orders.ba == pytest.approx(4.5 / 7)
    assert label.p_a == pytest.approx(0.5)
    assert label.method == "repeat"


def test_unreadable_verdicts_leave_no_label(rules):
    model = ScriptedModel(answers=lambda chat: "Well, both are fine.")
    (label,) = judge(PAIRS[:1], rules, model, with_setting(method="repeat", repeats=2))
    assert label.verdict is None
    assert label.mass == 0.0


# -- what fails


def test_a_pair_that_fails_is_null_and_the_others_go_on(rules):
    bad = replace(PAIRS[1], response_a=" ")
    labels = list(judge([PAIRS[0], bad, PAIRS[2]], rules, scripted_judge(), EACH))
    assert [label.verdict is None for label in labels] == [False, True, False]
    assert "response A of this pair is empty" in labels[1].error


def test_a_pair_that_could_not_be_sampled_is_not_judged(rules):
    failed = replace(PAIRS[0], extra={"error": "both answers are the same"})
    (label,) = judge([failed], rules, scripted_judge(), EACH)
    assert label.verdict is None
    assert "both answers are the same" in label.error


def test_a_judge_without_probabilities_gives_its_own_reason(rules):
    (label,) = judge(PAIRS[:1], rules, ScriptedModel(), EACH)
    assert "no log-probabilities" in label.error


def test_a_judge_that_can_never_answer_ends_the_run(rules):
    made = []
    with pytest.raises(ModelError, match="gave up"):
        for label in judge([pair(i, 0) for i in range(50)], rules, ScriptedModel(), EACH):
            made.append(label)
    assert len(made) == PATIENCE


def test_long_answers_are_cut_in_the_middle_and_counted(rules):
    long = pair(3, 1)
    long = replace(long, response_b=long.response_b + " word" * 900 + " the end")
    model = scripted_judge(context=500)
    (label,) = judge([long], rules, model, EACH)
    assert label.verdict == "a"
    assert label.extra["characters_left_out"] > 1000
    assert label.pair == long
    shown = model.history[0][0].content
    assert "characters left out here]" in shown
    assert "the end" in shown


def test_a_conversation_that_never_fits_is_an_error_of_its_row(rules):
    long = pair(3, 1, question="word " * 600)
    labels = list(judge([long, PAIRS[0]], rules, scripted_judge(context=500), EACH))
    assert "too long" in labels[0].error
    assert labels[1].verdict is not None


def test_a_stop_is_obeyed_between_batches(rules):
    asked, made = iter([False, True]), []
    hooks = Hooks(should_stop=lambda: next(asked))
    many = [pair(i, 0) for i in range(100)]
    with pytest.raises(Stopped):
        for label in judge(many, rules, scripted_judge(), EACH, hooks=hooks):
            made.append(label)
    assert 0 < len(made) < 100


def test_labels_come_before_all_pairs_are_judged(rules):
    model = scripted_judge()
    labels = judge([pair(i, 0) for i in range(200)], rules, model, EACH)
    next(labels)
    assert len(model.history) < 600


def test_progress_counts_pairs_and_failures(rules):
    told = []
    bad = replace(PAIRS[1], response_a="")
    list(judge([PAIRS[0], bad], rules, scripted_judge(), EACH, hooks=Hooks(told.append)))
    assert (told[0].done, told[0].total) == (0, 2)
    assert (told[-1].done, told[-1].total, told[-1].failed) == (2, 2, 1)


# -- what the judge saw


def test_one_pair_comes_with_every_chat_and_its_probabilities(rules):
    judged = judge_one(pair(3, 1), rules, scripted_judge(), EACH)
    assert judged.label.verdict == "a"
    assert len(judged.transcripts) == 6
    for seen in judged.transcripts:
        expected = sigmoid(2.0 if seen.first == "a" else -2.0)
        assert seen.options.p_first == pytest.approx(float(expected))
        assert seen.chat[-1] == assistant(FIRST.begun)


def test_the_options_are_scored_in_one_call_a_batch(rules):
    calls = []

    class Counting(ScriptedModel):
        def score_choices(self, chats, choices):
            calls.append(len(chats))
            return super().score_choices(chats, choices)

    scores = scripted_judge()._scores
    list(judge([pair(i, 0) for i in range(84)], rules, Counting(choice_scores=scores), EACH))
    assert calls == [252, 252]


def test_scores_are_read_as_the_model_gives_them(rules):
    class Fixed(ScriptedModel):
        def score_choices(self, chats, choices):
            return np.log(np.tile([0.5, 0.1, 0.2, 0.1], (len(chats), 1)))

    (label,) = judge([pair(1, 2)], rules, Fixed(), EACH)
    assert label.p_a == pytest.approx(0.5)
    assert label.offset == pytest.approx(float(logit(0.6 / 0.9)))
    assert label.mass == pytest.approx(0.9)


# -- worked examples


def test_examples_are_the_same_for_all_pairs_and_stand_in_front(rules):
    model = scripted_judge()
    labels = list(judge([pair(3, 1), pair(1, 3)], rules, model, with_setting(examples=4)))
    assert [label.verdict for label in labels] == ["a", "b"]
    assert len({chat[:-2] for chat in model.history}) == 1
    assert {len(chat) for chat in model.history} == {10}
    assert labels[0].template.startswith("compare-1+4ex.")
    assert labels[0].extra == {}


def test_examples_go_before_an_answer_is_cut(rules):
    model = scripted_judge(context=600)
    (label,) = judge([pair(3, 1)], rules, model, with_setting(examples=8))
    assert 0 < label.extra["examples_shown"] < 8
    assert "characters_left_out" not in label.extra
    long = replace(pair(3, 1), response_b="It is 1." + " word" * 900)
    (label,) = judge([long], rules, scripted_judge(context=600), with_setting(examples=8))
    assert label.extra["examples_shown"] == 0
    assert label.extra["characters_left_out"] > 0


def test_examples_that_are_given_are_shown(rules):
    mine = [replace(one, principle="Which is mine?") for one in shipped_comparisons()[:2]]
    model = scripted_judge()
    (label,) = judge([pair(3, 1)], rules, model, with_setting(examples=2), examples=mine)
    assert "Which is mine?" in model.history[0][0].content
    (other,) = judge([pair(3, 1)], rules, model, with_setting(examples=2))
    assert label.template != other.template
