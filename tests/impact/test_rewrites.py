"""Both versions revise the same answers: which requests are sent, and from what they start."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import DataError, GaveUpError, Stopped
from cai_core.feedback.revise import ReviseSettings
from cai_core.impact.edit import Edit
from cai_core.impact.rewrite import Rewrite
from cai_core.impact.rewrites import Desk, first_answers, requested, rewrites, standards
from cai_core.schema import Constitution, Hooks, Principle, Prompt
from tests.impact import rewriting
from tests.impact.rewriting import KIND, OLD, PLAIN, TRUE

BARE = ReviseSettings(examples=False)
DECLINING = replace(KIND, revision="Decline.")


def edited(*principles):
    return Edit(OLD, Constitution("rules", principles))


def prompts(n):
    return [Prompt.of(f"Question {i}?") for i in range(n)]


def run(edit, n=3, *, whole=False, model=None, **more):
    desk = Desk(edit, requested(edit, whole=whole), model or rewriting.model(), BARE, **more)
    return list(rewrites(prompts(n), desk))


# -- what an edit touches


def test_a_request_counts_as_it_is_really_sent():
    spelled = replace(PLAIN, revision=" Rewrite it plainly. ")
    assert [one.key for one in edited(KIND, TRUE, spelled).requests_touched] == ["plain"]
    same = replace(KIND, text="Which is milder?", weight=3.0, tags=("x",))
    assert edited(TRUE, same, PLAIN).requests_touched == ()


def test_the_text_counts_where_it_stands_for_a_missing_critique():
    (one,) = edited(KIND, TRUE, replace(PLAIN, text="Which is simpler?")).requests_touched
    assert (one.key, one.kind) == ("plain", "reworded")


def test_a_renamed_principle_asks_the_same():
    assert edited(replace(KIND, key="mild"), TRUE, PLAIN).requests_touched == ()


# -- how it is asked


def test_one_reworded_principle_is_forced_on_every_prompt():
    model = rewriting.model()
    rows = run(edited(DECLINING, TRUE, PLAIN), n=4, model=model)
    assert {row.old.principle for row in rows} == {row.new.principle for row in rows} == {"kind"}
    said = rewriting.asked_to_rewrite(model)
    assert sum("Be mild." in text for text in said) == sum("Decline." in text for text in said) == 4


def test_of_several_reworded_ones_each_prompt_gets_one_by_hash():
    edit = edited(DECLINING, replace(TRUE, critique="Say what is a lie."), PLAIN)
    rows = run(edit, n=20)
    assert {row.old.principle for row in rows} == {"kind", "true"}
    assert all(row.old.principle == row.new.principle for row in rows)
    again = run(edit, n=20)
    assert [row.old.principle for row in rows] == [row.old.principle for row in again]


def test_an_added_or_removed_principle_is_asked_with_the_whole_constitution():
    new = Principle("new", text="Which is newer?")
    for edit in (edited(KIND, TRUE, PLAIN, new), edited(KIND, TRUE)):
        way = requested(edit)
        assert way.way == "whole"
        assert "at once" in way.sentence
    assert {row.new.principle for row in run(edited(KIND, TRUE))} == {"whole"}


def test_the_whole_constitution_can_be_asked_for():
    assert requested(edited(KIND, replace(TRUE, text="So?"), PLAIN), whole=True).way == "whole"


def test_an_edit_that_sends_the_same_is_refused_with_the_way_out():
    with pytest.raises(DataError, match="whole constitution at once they do differ"):
        requested(edited(KIND, replace(TRUE, text="So?"), PLAIN))
    with pytest.raises(DataError, match="nothing to revise again"):
        requested(edited(TRUE, KIND, replace(PLAIN, weight=2.0)))
    with pytest.raises(DataError, match="the same in these two states"):
        requested(edited(DECLINING, TRUE, PLAIN), whole=True)


# -- what is revised


def test_both_start_from_the_same_first_answer_that_is_written_once():
    model = rewriting.model()
    rows = run(edited(DECLINING, TRUE, PLAIN), n=3, model=model)
    assert [row.initial for row in rows] == [f"It is 1. You asked: Question {i}?" for i in range(3)]
    assert [row.revisions[1] for row in rows] == [rewriting.NO] * 3
    assert sum(len(chat) == 1 for chat in model.history) == 3


def test_given_first_answers_are_not_written_again():
    model = rewriting.model()
    initial = {prompt.id: "It was given." for prompt in prompts(2)}
    rows = run(edited(DECLINING, TRUE, PLAIN), n=3, model=model, initial=initial)
    assert [row.initial for row in rows][:2] == ["It was given."] * 2
    assert sum(len(chat) == 1 for chat in model.history) == 1


def test_a_prompt_that_fails_keeps_its_reason_and_costs_no_other():
    failing = lambda chat: "" if "Decline." in chat[-1].content else rewriting.reply(chat)  # noqa: E731
    edit = edited(DECLINING, TRUE, PLAIN)
    rows = run(edit, n=3, model=rewriting.model(answers=failing))
    assert [row.revisions for row in rows] == [None] * 3
    assert all(row.old and not row.new for row in rows)
    assert "empty" in rows[0].error


def test_it_gives_up_where_everything_fails():
    with pytest.raises(GaveUpError):
        run(edited(DECLINING, TRUE, PLAIN), n=40, model=rewriting.model(context=1))


def test_a_stop_is_asked_before_anything_is_written():
    edit = edited(DECLINING, TRUE, PLAIN)
    desk = Desk(edit, requested(edit), rewriting.model(), BARE)
    with pytest.raises(Stopped):
        next(rewrites(prompts(3), desk, hooks=Hooks(should_stop=lambda: True)))


def test_the_first_rows_come_before_the_last_are_asked():
    edit = edited(DECLINING, TRUE, PLAIN)
    model = rewriting.model()
    next(rewrites(prompts(30), Desk(edit, requested(edit), model, BARE)))
    assert len(model.history) == 2 * 5  # of the first two: answer, two critiques, two rewrites


def test_a_row_survives_its_file():
    (row,) = run(edited(DECLINING, TRUE, PLAIN), n=1)
    assert Rewrite.from_row(row.to_row()) == row


# -- first answers that come with the prompts


def test_first_answers_are_read_from_initial_and_completion():
    rows = [
        {"id": "1", "prompt": "a", "initial": "One."},
        {"id": "2", "prompt": "b", "completion": "Two."},
        {"id": "3", "prompt": "c", "completion": [{"role": "assistant", "content": "Three."}]},
        {"id": "4", "prompt": "d", "initial": "  "},
        {"id": "5", "prompt": "e"},
    ]
    found = first_answers([Prompt.from_row(row) for row in rows])
    assert found == {"1": "One.", "2": "Two.", "3": "Three."}


@given(
    st.one_of(
        st.integers(1),
        st.lists(st.text(), min_size=2),
        st.dictionaries(st.text(), st.text(), min_size=1),
    )
)
def test_a_first_answer_that_is_no_text_is_refused_with_its_prompt(value):
    row = {"id": "odd", "prompt": "a", "initial": value}
    with pytest.raises(DataError, match="'odd' is no text"):
        first_answers([Prompt.from_row(row)])


# -- what a judge judges by


def test_a_judge_reads_both_standards_only_where_they_differ():
    assert list(standards(edited(DECLINING, TRUE, PLAIN), "each")) == ["both"]
    edit = edited(replace(KIND, text="Which is milder?"), TRUE, PLAIN)
    assert standards(edit, "each") == {"old": edit.old, "new": edit.new}


def test_a_drawn_principle_is_the_edited_one():
    edit = edited(replace(KIND, text="Which is milder?"), TRUE, PLAIN)
    found = standards(edit, "draw")
    assert [p.text for p in found["old"].principles] == ["Which is kinder?"]
    assert [p.text for p in found["new"].principles] == ["Which is milder?"]
    added = standards(edited(KIND, TRUE, PLAIN, Principle("new", text="Newer?")), "draw")
    assert added["old"] == OLD
