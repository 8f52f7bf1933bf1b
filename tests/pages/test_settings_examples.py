"""The examples' tab of the settings page: edited, refused, and given up for the shipped ones."""

import json

import pytest

from cai_core.feedback import examples
from cai_core.feedback.examples import shipped_comparisons, shipped_revisions

ROUND = {"prompt": "Mine?", "response": "No.", "critique": "Curt.", "revision": "Not mine."}


def editor(at, kind):
    (found,) = [e for e in at.data_editor if e.key.startswith(f"examples_{kind}_")]
    return found


def edit(at, kind, *, edited=None, added=(), deleted=()):
    at.session_state[editor(at, kind).key] = {
        "edited_rows": edited or {},
        "added_rows": list(added),
        "deleted_rows": list(deleted),
    }
    at.button(key=f"examples_save_{kind}").click()
    return at.run()


def test_the_shipped_examples_are_shown_until_somebody_saves_others(empty_workspace, open_page):
    at = open_page("settings")
    assert not at.exception
    assert len(editor(at, "compare").value) == len(shipped_comparisons())
    assert len(editor(at, "revise").value) == len(shipped_revisions())
    assert at.button(key="examples_back_compare").disabled
    assert not examples.own_file("compare").exists()


def test_an_edited_cell_a_new_row_and_a_deleted_one_are_saved_together(empty_workspace, open_page):
    at = open_page("settings")
    edit(at, "revise", edited={0: {"critique": "Cruel."}}, added=[ROUND], deleted=[1])
    assert not at.exception
    assert not at.error
    saved = examples.read_revisions(examples.own_file("revise"))
    assert saved[0].critique == "Cruel."
    assert saved[-1].to_row() == ROUND
    assert len(saved) == len(shipped_revisions())
    assert shipped_revisions()[1] not in saved
    assert len(editor(at, "revise").value) == len(saved)


def test_comparisons_of_several_turns_come_through(empty_workspace, open_page):
    talk = [{"role": r, "content": c} for r, c in (("user", "Hi"), ("assistant", "Yes?"))]
    talk.append({"role": "user", "content": "Tea?"})
    row = shipped_comparisons()[0].to_row() | {"prompt": talk}
    examples.save_own("compare", [row])
    at = open_page("settings")
    edit(at, "compare", edited={0: {"verdict": "a"}})
    (saved,) = examples.read_comparisons(examples.own_file("compare"))
    assert saved.to_row() == row | {"verdict": "a"}


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("revise", {"revision": None}, "row 1: 'revision' is missing"),
        ("compare", {"verdict": None}, "row 1: 'verdict' is"),
        ("compare", {"prompt": "[{oops"}, "cannot be read as JSON"),
    ],
)
def test_a_bad_row_is_refused_and_nothing_is_saved(empty_workspace, open_page, kind, changes, said):
    at = open_page("settings")
    edit(at, kind, edited={0: changes})
    assert not at.exception
    assert said in at.error[0].value.replace("\\", "")
    assert not examples.own_file(kind).exists()


def test_no_example_at_all_is_refused(empty_workspace, open_page):
    at = open_page("settings")
    edit(at, "revise", deleted=range(len(shipped_revisions())))
    assert "no example left" in at.error[0].value
    assert not examples.own_file("revise").exists()


def test_back_to_the_shipped_ones_asks_first(empty_workspace, open_page):
    examples.save_own("revise", [ROUND])
    at = open_page("settings")
    at.button(key="examples_back_revise").click().run()
    assert examples.own_file("revise").exists()
    at.button(key="confirm_yes").click().run()
    assert not examples.own_file("revise").exists()
    assert len(editor(at, "revise").value) == len(shipped_revisions())


def test_a_file_with_a_bad_row_is_a_sentence_and_can_be_given_up(empty_workspace, open_page):
    own = examples.own_file("compare")
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps({"prompt": "Hi"}) + "\n")
    at = open_page("settings")
    assert not at.exception
    assert "response" in at.error[0].value
    at.button(key="examples_back_compare").click().run()
    at.button(key="confirm_yes").click().run()
    assert not at.error
    assert not own.exists()
