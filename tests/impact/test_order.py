"""A few pairs that may well flip first, the others in random order."""

from dataclasses import replace

from cai_core.impact.edit import Edit
from cai_core.impact.order import soonest_first
from cai_core.impact.plan import plan, question_id
from cai_core.schema import Constitution, Principle
from cai_core.settings import JudgeSetting
from tests.feedback.conftest import pair

TRUE = Principle("true", text="Which is more true?")
EDIT = Edit(
    Constitution("rules", (TRUE,)), Constitution("rules", (replace(TRUE, text="Which is truer?"),))
)
PLAN = plan(EDIT, JudgeSetting(), placebos=0)
PAIRS = [pair(n, 100) for n in range(10)]


def known(values):
    id = question_id(TRUE.text)
    return {one.id: {id: p} for one, p in zip(PAIRS, values, strict=True)}


def test_the_pairs_nearest_to_even_come_first_and_are_named():
    values = [0.9, 0.51, 0.1, 0.8, 0.49, 0.2, 0.95, 0.5, 0.3, 0.55]
    ordered, sought = soonest_first(PAIRS, PLAN, known(values), most=3)
    assert [PAIRS.index(one) for one in ordered] == [7, 1, 4, 0, 2, 3, 5, 6, 8, 9]
    assert sought == {PAIRS[place].id for place in (7, 1, 4)}


def test_without_stored_votes_the_order_stays_random():
    assert soonest_first(PAIRS, PLAN, {}) == (PAIRS, frozenset())


def test_few_pairs_are_all_judged_as_they_come():
    assert soonest_first(PAIRS[:3], PLAN, known([0.5] * 10)) == (PAIRS[:3], frozenset())
