"""A principle made of an answer: drafted, tried on pairs like it, and put into the draft."""

import pytest

from cai_core.impact.people import is_locked
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Review
from cai_core.store import labels
from tests.pages import seed
from tests.pages.test_impact import likes_help
from ui import live, principle_from, review_pairs
from ui.draft import DRAFTS
from ui.pins import PINS


@pytest.fixture
def speaker(monkeypatch):
    made = ScriptedModel(lambda chat: " stays warmer to the person?", choice_scores=likes_help)
    monkeypatch.setattr(live, "model", lambda model_id: made)
    return made


def button(at, key):
    return next(b for b in at.button if b.key == key)


def words(at):
    return " ".join(str(e.value) for e in (*at.markdown, *at.caption))


@pytest.fixture
def opened(seeded_workspace, open_page, speaker):
    at = open_page(
        "playground",
        playground_tab="One answer",
        single_ask="How do I make tea?",
        single_answer="You should not drink tea at all.",
        from_single=True,
    )
    assert not at.exception
    return at


def drafted(at):
    at.text_area(key="from_says_single").set_value("It scolds the person.").run()
    button(at, "from_draft_single").click().run()
    assert not at.exception
    return at


def test_nothing_is_drafted_without_a_remark(opened):
    assert button(opened, "from_draft_single").disabled


def test_a_remark_becomes_a_question_that_can_be_edited(opened):
    at = drafted(opened)
    assert (
        at.text_area(key="from_text_single").value == "Which response stays warmer to the person?"
    )


def test_a_draft_is_tried_on_pairs_like_it_beside_what_people_said(opened):
    at = drafted(opened)
    button(at, "from_try_single").click().run()
    assert not at.exception
    tried = at.session_state["from_tried_single"]
    assert tried[0].pair.prompt[-1].content == "How do I make tea?"
    shown = [e.label for e in at.expander if "a person:" in e.label]
    reviewed = [seed.pair_of(question) for question in seed.QUESTIONS[:2]]
    assert len(shown) == sum(not is_locked(pair) for pair in reviewed)


def test_what_people_said_of_locked_pairs_is_not_shown_beside_a_draft(opened, monkeypatch):
    monkeypatch.setattr(principle_from, "is_locked", lambda pair: True)
    at = drafted(opened)
    button(at, "from_try_single").click().run()
    assert at.session_state["from_tried_single"]
    assert not [e.label for e in at.expander if "a person:" in e.label]


def test_a_draft_goes_into_the_constitution_with_pairs_pinned(opened):
    at = drafted(opened)
    button(at, "from_keep_single").click().run()
    assert not at.exception
    assert at.title[0].value == "Constitution"
    _, draft = next(iter(at.session_state[DRAFTS].items()))
    assert draft.rows[-1][1].text == "Which response stays warmer to the person?"
    assert draft.unsaved
    assert at.session_state[PINS][0].pair.prompt[-1].content == "How do I make tea?"


def test_an_edit_of_a_principle_replaces_its_wording(opened):
    at = opened
    at.selectbox(key="from_name_single").set_value("short").run()
    at.selectbox(key="from_into_single").set_value("kind").run()
    at = drafted(at)
    button(at, "from_keep_single").click().run()
    draft = at.session_state[DRAFTS]["short"]
    assert draft.constitution.principle("kind").text == "Which response stays warmer to the person?"
    assert len(draft.rows) == 3


def test_an_overruled_judgement_offers_the_same(seeded_workspace, open_page, speaker):
    with seeded_workspace.db() as db:
        review = Review(blind=True, queue="all", pi=1.0, reviewer="Ada")
        said = labels.verdict_label(seed.pair_of(seed.QUESTIONS[2]), "b", review=review)
        labels.add(db, said)
        row = labels.last_of(db, "Ada").pair_id
    state = {review_pairs.BEFORE: row, "pair_before": True, f"from_before_{row}": True}
    at = open_page("review", review_tab="Pairs", **state)
    assert not at.exception
    assert any(t.key == f"from_says_before_{row}" for t in at.text_area)


def test_either_answer_of_a_reviewed_pair_offers_it_too(seeded_workspace, open_page, speaker):
    with seeded_workspace.db() as db:
        review = Review(blind=True, queue="all", pi=1.0, reviewer="Ada")
        labels.add(db, labels.verdict_label(seed.pair_of(seed.QUESTIONS[2]), "tie", review=review))
        row = labels.last_of(db, "Ada").pair_id
    state = {review_pairs.BEFORE: row, "pair_before": True, f"from_before_B_{row}": True}
    at = open_page("review", review_tab="Pairs", **state)
    assert not at.exception
    titles = [e.label for e in at.expander]
    assert {"Make a principle of answer A", "Make a principle of answer B"} <= set(titles)
    assert any(t.key == f"from_says_before_B_{row}" for t in at.text_area)
