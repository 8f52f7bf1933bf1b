"""An estimate is what the stage really asks, with every answer as long as it may be."""

import pytest

from cai_core.feedback import estimate
from cai_core.feedback.judge import judge
from cai_core.feedback.revise import ReviseSettings, revise
from cai_core.feedback.sample import sample_pairs
from cai_core.models.counting import CountingModel
from cai_core.schema import Constitution, Principle, Prompt, Sampling, user
from cai_core.settings import JudgeSetting
from tests.feedback.conftest import pair

WINDOW = 100_000
RULES = Constitution(
    "rules",
    tuple(
        Principle(k, text=f"Which is more {k}?", critique=f"Is it {k}?")
        for k in ("true", "kind", "short")
    ),
)
PROMPTS = [Prompt(str(n), (user(f"Question {n}?"),)) for n in range(100)]
PAIRS = [pair(i, 3) for i in range(100)]


def test_judging_asks_every_principle_in_both_orders():
    found = estimate.of_judging(PAIRS, RULES, JudgeSetting(), context=WINDOW)
    assert found.questions == 100 * 2 * 3
    assert found.tokens == found.questions
    assert found.prompt_tokens > 50 * found.questions


@pytest.mark.parametrize(
    ("setting", "questions", "tokens"),
    [
        (JudgeSetting(principles="whole"), 2, 2),
        (JudgeSetting(principles="whole", method="repeat", repeats=5), 10, 80),
        (JudgeSetting(principles="whole", method="cot", max_rationale_tokens=100), 4, 202),
    ],
)
def test_each_method_counts_what_it_writes(setting, questions, tokens):
    found = estimate.of_judging(PAIRS, RULES, setting, context=WINDOW)
    assert (found.questions, found.tokens) == (100 * questions, 100 * tokens)


def test_sampling_writes_two_answers_a_prompt():
    found = estimate.of_sampling(PROMPTS, Sampling(50), context=WINDOW)
    assert (found.questions, found.tokens) == (200, 200 * 50)


def test_revising_writes_an_answer_and_two_more_a_round():
    settings = ReviseSettings(rounds=2, sampling=Sampling(64))
    found = estimate.of_revising(PROMPTS, RULES, settings, context=WINDOW)
    assert (found.questions, found.tokens) == (500, 500 * 64)


def test_step_by_step_counts_every_principle_its_reason_and_the_revision():
    settings = ReviseSettings(stepwise=True, sampling=Sampling(64))
    found = estimate.of_revising(PROMPTS, RULES, settings, context=WINDOW)
    assert found.questions == 100 * (1 + 3 + 3 + 1)


def test_a_sample_stands_for_all_rows():
    few, many = (estimate.of_sampling(PROMPTS[:n], Sampling(10), context=WINDOW) for n in (24, 96))
    assert many.questions == 4 * few.questions
    assert estimate.of_sampling([], Sampling(10), context=WINDOW).questions == 0


def test_it_is_what_the_stage_asks_when_it_runs():
    for stage, found in (
        (
            lambda model: judge(PAIRS[:10], RULES, model, JudgeSetting()),
            estimate.of_judging(PAIRS[:10], RULES, JudgeSetting(), context=WINDOW),
        ),
        (
            lambda model: revise(PROMPTS[:10], RULES, model, ReviseSettings()),
            estimate.of_revising(PROMPTS[:10], RULES, ReviseSettings(), context=WINDOW),
        ),
        (
            lambda model: sample_pairs(PROMPTS[:10], model, Sampling()),
            estimate.of_sampling(PROMPTS[:10], Sampling(), context=WINDOW),
        ),
    ):
        model = CountingModel(WINDOW)
        list(stage(model))
        used = model.usage
        assert (used.asked, used.prompt_tokens, used.tokens) == (
            found.questions,
            found.prompt_tokens,
            found.tokens,
        )
