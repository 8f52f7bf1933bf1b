"""Shifts under other templates and under placebos are made of votes that were asked there."""

from dataclasses import replace

import numpy as np

from cai_core.impact.asking import Answered
from cai_core.impact.edit import Edit
from cai_core.impact.outcome import judged, measured
from cai_core.impact.plan import MAIN, PLACEBOS, plan, question_id
from cai_core.schema import Constitution, Principle
from cai_core.settings import JudgeSetting
from tests.feedback.conftest import pair

TRUE, KIND = Principle("true", text="Which is more true?"), Principle("kind", text="Kinder?")
NEW = replace(TRUE, text="Which is truer?")
PLAN = plan(
    Edit(Constitution("c", (TRUE, KIND)), Constitution("c", (NEW, KIND))),
    JudgeSetting(),
    placebos=2,
)
OLD_ID, NEW_ID, KIND_ID = (question_id(p.text) for p in (TRUE, NEW, KIND))
PAIR = pair(1, 2)


def shifts(*rows):
    main = Answered(PAIR, MAIN, {OLD_ID: 0.5, NEW_ID: 0.9, KIND_ID: 0.5})
    answers = [main, *rows]
    return measured(PLAN, answers, judged(PLAN, answers))


def test_a_vote_of_the_main_template_never_stands_in_under_another_one():
    template = PLAN.checks()[0].name
    found = shifts(Answered(PAIR, template, {OLD_ID: 0.05}))
    assert np.isnan(found.shifts[1, 0])
    both = shifts(Answered(PAIR, template, {OLD_ID: 0.5, NEW_ID: 0.1}))
    assert both.shifts[1, 0] < 0 < both.shifts[0, 0]


def test_a_placebo_without_its_own_vote_is_no_shift():
    first, second = (side[0][0] for side in PLAN.placebos)
    found = shifts(Answered(PAIR, PLACEBOS, {first: 0.5}))
    assert found.placebos.shape == (1, 1)
    assert found.placebos[0, 0] == 0
    assert shifts(Answered(PAIR, PLACEBOS, {first: 0.5, second: 0.9})).placebos[1, 0] > 0
