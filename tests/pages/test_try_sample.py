"""A sample of pairs beside the editor: flips as they come, stopping, and beginning anew with an edit."""

import pytest

from cai_core.models.scripted import ScriptedModel
from cai_core.store import constitutions
from tests.pages.test_impact import likes_help
from ui import live, try_sample
from ui.draft import CURRENT, DRAFTS, Draft


def drafted(workspace, text):
    with workspace.db() as db:
        base = constitutions.newest(db, "short")
    draft = Draft.of(base.constitution, base)
    return draft.edit(draft.rows[0][0], text=text)


@pytest.fixture
def workbench(talking_workspace, open_page, monkeypatch):
    """The page with a draft; the model behind it prefers help, and the more so where gentleness counts."""
    made = ScriptedModel(choice_scores=likes_help)
    monkeypatch.setattr(live, "model", lambda model_id: made)

    def open_it(text="Which response is gentler?", **state):
        draft = drafted(talking_workspace, text)
        at = open_page("constitution", **{DRAFTS: {"short": draft}, CURRENT: "short"}, **state)
        assert not at.exception
        return at

    return open_it


def found(at):
    (under,) = at.session_state[try_sample.FOUND].values()
    return under


def words(at):
    return " ".join(str(e.value) for e in (*at.caption, *at.markdown, *at.error))


def press(at, key):
    next(b for b in at.button if b.key == key).click().run()
    assert not at.exception
    assert not at.error


def test_every_pair_of_the_sample_is_judged_under_both(workbench):
    at = workbench()
    assert "Not tried on this draft yet" in words(at)
    press(at, "try_sample")
    assert len(found(at)) == 6
    assert all(one.old is not None and one.new is not None for one in found(at).values())
    assert "6 of 6 pairs" in " ".join(m.label for m in at.metric)


def test_the_edited_principle_alone_has_votes_of_its_own(workbench):
    at = workbench()
    press(at, "try_sample")
    votes = {key for one in found(at).values() for key in one.votes}
    assert votes == {"honest"}


def test_a_draft_that_asks_the_same_says_so(workbench):
    at = workbench("Which response is more truthful?")
    assert "asked the same as under version 2" in words(at)


def test_an_edit_leaves_old_results_behind_and_does_not_begin_by_itself(workbench):
    at = workbench()
    press(at, "try_sample")
    draft = at.session_state[DRAFTS]["short"]
    at.session_state[DRAFTS] = {"short": draft.edit(draft.rows[0][0], text="Which is softer?")}
    at.run()
    assert "Not tried on this draft yet" in words(at)


def test_under_the_switch_an_edit_begins_anew(workbench):
    at = workbench()
    at.toggle(key="try_sample_auto").set_value(True).run()
    assert len(found(at)) == 6
    draft = at.session_state[DRAFTS]["short"]
    at.session_state[DRAFTS] = {"short": draft.edit(draft.rows[0][0], text="Which is softer?")}
    at.run()
    assert not at.exception
    assert [len(under) for under in at.session_state[try_sample.FOUND].values()] == [6, 6]


def test_what_was_judged_stays_when_it_is_stopped_and_goes_on_from_there(workbench, monkeypatch):
    at = workbench()
    monkeypatch.setattr(try_sample, "MOST", 2)
    at.session_state[try_sample._ASKED] = True

    real = try_sample._judge_block

    def once(db, tried):
        real(db, tried)
        at.session_state[try_sample.TODO] = []  # a person has seen enough

    monkeypatch.setattr(try_sample, "_judge_block", once)
    at.run()
    assert len(found(at)) == 1
    monkeypatch.setattr(try_sample, "_judge_block", real)
    press(at, "try_sample")
    assert len(found(at)) == 6
