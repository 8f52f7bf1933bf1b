"""What an edit touches, and how it is asked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import DataError
from cai_core.feedback.comparison import comparison_question
from cai_core.impact.edit import Edit
from cai_core.impact.plan import MAIN, combined, plan, question_id
from cai_core.impact.rewording import rewordings
from cai_core.schema import Constitution, Principle
from cai_core.settings import JudgeSetting

TRUE = Principle("true", text="Which response is more honest?", tags=("honesty",))
KIND = Principle("kind", text="Which response is kinder?", weight=2.0)
SAFE = Principle("safe", text="Which response is less harmful?")
OLD = Constitution("rules", (TRUE, KIND, SAFE))


def edited(*principles):
    return Edit(OLD, Constitution("rules", principles))


def kinds(edit):
    return {one.key: one.kind for one in edit.touched}


def test_what_is_reworded_added_removed_and_reweighted_is_told():
    new = Principle("new", text="Which response is shorter?")
    edit = edited(replace(TRUE, text="Which response lies less?"), replace(KIND, weight=1.0), new)
    assert kinds(edit) == {
        "true": "reworded",
        "kind": "reweighted",
        "safe": "removed",
        "new": "added",
    }


def test_a_moved_renamed_or_described_principle_touches_no_judgement():
    edit = edited(SAFE, replace(TRUE, key="honest", tags=("x",)), KIND)
    assert edit.touched == ()
    with pytest.raises(DataError, match="nothing to judge again"):
        edit.check()


def test_disabling_is_removing():
    assert kinds(edited(TRUE, KIND, replace(SAFE, enabled=False))) == {"safe": "removed"}


def test_an_edit_of_requests_alone_points_at_revisions():
    edit = edited(TRUE, KIND, replace(SAFE, critique="Find harm."))
    assert edit.touches_revisions
    with pytest.raises(DataError, match="compare revisions instead"):
        edit.check()


def test_each_asks_what_both_versions_have_once():
    planned = plan(edited(replace(TRUE, text="Is it so?"), KIND, SAFE), JudgeSetting())
    assert sorted(planned.main().questions.values()) == sorted(
        [TRUE.text, "Is it so?", KIND.text, SAFE.text]
    )


def test_each_asks_only_the_new_wording_where_votes_are_stored():
    planned = plan(edited(replace(TRUE, text="Is it so?"), KIND, SAFE), JudgeSetting())
    known = {question_id(comparison_question(p)): 0.5 for p in OLD.principles}
    assert planned.main().missing(known) == (question_id("Is it so?"),)


def test_draw_forces_the_edited_principle_alone():
    edit = edited(replace(TRUE, text="Is it so?"), KIND, SAFE)
    planned = plan(edit, JudgeSetting(principles="draw"))
    assert sorted(planned.main().questions.values()) == sorted([TRUE.text, "Is it so?"])
    assert not planned.main().drawn


def test_draw_holds_an_added_principle_against_the_usual_draw():
    new = Principle("new", text="Is it new?")
    planned = plan(edited(TRUE, KIND, SAFE, new), JudgeSetting(principles="draw"))
    assert list(planned.main().questions.values()) == ["Is it new?"]
    assert list(planned.main().drawn.values()) == [OLD]


def test_whole_asks_one_question_a_version():
    edit = edited(replace(TRUE, text="Is it so?"), KIND, SAFE)
    planned = plan(edit, JudgeSetting(principles="whole"), placebos=6)
    old, new = planned.main().questions.values()
    assert TRUE.text in old
    assert "Is it so?" in new
    orders = {tuple(text.splitlines()[1:-1]) for text in planned.checks()[-1].questions.values()}
    assert len(orders) == 6


def test_the_checks_are_five_other_templates_and_nineteen_placebos():
    planned = plan(edited(replace(TRUE, text="Is it so?"), KIND, SAFE), JudgeSetting())
    *templates, placebos = planned.checks()
    assert len({part.template for part in templates} - {planned.template}) == 5
    assert all(sorted(p.questions.values()) == sorted([TRUE.text, "Is it so?"]) for p in templates)
    assert len(planned.placebos) == len(placebos.questions) == 19
    assert placebos.template == planned.template
    assert MAIN not in {part.name for part in planned.checks()}


def test_a_placebo_changes_the_touched_principle_and_no_other():
    planned = plan(edited(replace(TRUE, text="Is it so?"), KIND, SAFE), JudgeSetting())
    for side in planned.placebos:
        assert [weight for _, weight in side] == [1.0, 2.0, 1.0]
        assert side[0] != planned.base[0]
        assert side[1:] == planned.base[1:]


def test_votes_are_combined_by_weight_in_log_odds():
    assert combined((("x", 1.0), ("y", 3.0)), {"x": 0.5, "y": 0.8}) == pytest.approx(
        0.75 * 1.386294
    )
    assert combined((("x", 1.0), ("y", 3.0)), {"y": 0.8}) == pytest.approx(1.386294, abs=1e-6)
    assert combined((("x", 1.0),), {}) != combined((("x", 1.0),), {})  # nan


def test_no_placebo_is_made_where_none_is_asked_for():
    assert rewordings("Which response is kinder?", count=0) == []
    planned = plan(edited(replace(TRUE, text="Is it so?"), KIND, SAFE), JudgeSetting(), placebos=0)
    assert planned.placebos == ()


@given(st.text(min_size=1, max_size=200), st.integers(0, 5))
def test_rewordings_are_different_and_none_is_the_question(question, seed):
    made = rewordings(question, count=19, seed=seed)
    assert len(set(made)) == len(made) == 19
    assert question not in made
    assert made == rewordings(question, count=19, seed=seed)
