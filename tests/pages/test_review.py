"""The review page's revisions: decisions as events that are kept."""

from cai_core.store import revisions
from ui.review_deck import Card, Deck


def press(at, prefix):
    """Press the button of the pair or revision that is shown."""
    next(b for b in at.button if b.key and b.key.startswith(prefix)).click().run()
    assert not at.exception
    return at


def shown(at, kind="pair_skip_"):
    """The id of the row that is shown; "" where none is."""
    found = [b.key for b in at.button if b.key and b.key.startswith(kind)]
    return found[0].removeprefix(kind) if found else ""


def decisions(workspace):
    with workspace.db() as db:
        return [item.decision for item in revisions.find(db) if item.decision]


def texts(at):
    return " ".join(e.value for e in [*at.markdown, *at.caption])


def test_without_revisions_the_tab_says_where_they_come_from(empty_workspace, open_page):
    at = open_page("review", review_tab="Revisions")
    assert not at.exception
    assert "There are no revisions yet" in texts(at)


def test_a_second_key_on_a_decided_row_does_not_move_the_deck():
    deck = Deck.of("all", [Card("x"), Card("y"), Card("z")], frozenset({"y"}))
    assert [card.id for card in deck.cards] == ["y", "x", "z"]
    assert deck.after("x").current == Card("z")
    assert deck.after("x").after("x") == deck.after("x")
    assert deck.after("x").showing(Card("x")).current == Card("x")
    assert len(deck.after("x").showing(Card("y")).cards) == 3


def test_a_revision_is_kept_dropped_and_corrected(seeded_workspace, open_page):
    at = open_page("review", review_tab="Revisions")
    assert at.progress[0].text == "0 of 6 decided"
    press(at, "revision_keep_")
    press(at, "revision_drop_")
    row = shown(at, "revision_skip_")
    press(at, "revision_edit_")
    at.text_area(key=f"revision_text_{row}").set_value("Better, by hand.")
    press(at, "revision_save_")
    assert [(d.verdict, d.text) for d in decisions(seeded_workspace)] == [
        ("keep", ""),
        ("drop", ""),
        ("correct", "Better, by hand."),
    ]
    assert at.progress[0].text == "3 of 6 decided"


def test_undo_takes_back_a_decision_and_shows_that_revision_again(seeded_workspace, open_page):
    at = open_page("review", review_tab="Revisions")
    row = shown(at, "revision_skip_")
    press(at, "revision_drop_")
    press(at, "revision_undo_")
    assert shown(at, "revision_skip_") == row
    assert not decisions(seeded_workspace)
    with seeded_workspace.db() as db:
        assert [event.undone for event in revisions.history(db, row)] == [True]


def test_an_empty_correction_is_refused_and_the_revision_stays(seeded_workspace, open_page):
    at = press(open_page("review", review_tab="Revisions"), "revision_edit_")
    row = shown(at, "revision_skip_")
    at.text_area(key=f"revision_text_{row}").set_value("  ")
    press(at, "revision_save_")
    assert "the corrected response is empty" in at.error[0].value
    assert shown(at, "revision_skip_") == row
    assert not decisions(seeded_workspace)


def test_every_round_is_shown_with_its_principle_and_what_changed(seeded_workspace, open_page):
    at = open_page("review", review_tab="Revisions")
    assert "**Round 1**" in texts(at)
    assert "**Round 2**" in texts(at)
    assert any("words added" in c.value for c in at.caption)
    assert any("<ins" in h.value for h in at.html)


def test_when_all_revisions_are_decided_the_way_on_is_shown(seeded_workspace, open_page):
    at = open_page("review", review_tab="Revisions")
    while shown(at, "revision_skip_"):
        press(at, "revision_keep_")
    assert "Nothing is left under these filters" in texts(at)
    at.selectbox(key="revision_done").set_value("Decided").run()
    assert shown(at, "revision_skip_")
