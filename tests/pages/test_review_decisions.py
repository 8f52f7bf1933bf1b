"""Revisions and helpful answers on the review card: what keys decide, and what enters the data."""

import json
from itertools import count

import pytest

from cai_core.store import helpful, revisions
from cai_core.store.decisions import DecisionEvent
from ui import curate_recipe, review_decisions
from ui.curate_recipe import SftRecipe
from ui.review_card import KeyPress
from ui.review_deck import Card, Deck
from ui.review_presses import Stored

_NUMBERS = count(1)
TABS = {"Revisions": "revision", "Helpful": "helpful"}


def opened(open_page, tab="Revisions", **more):
    at = open_page("review", review_tab=tab, **more)
    assert not at.exception
    return at


def hand(at):
    """What the card was handed last."""
    (card,) = at.get("bidi_component")
    return json.loads(card.proto.json)


def shown(at):
    """The id of the row on the screen; "" where none is."""
    return next((row["id"] for row in hand(at)["cards"]), "")


def send(at, kind, *presses):
    """Hand presses over as the browser does; all of one tab, numbered where they are not."""
    numbered = [{"client": "tab", "number": next(_NUMBERS)} | one for one in presses]
    sent = {"nonce": f"tab/{numbered[-1]['number']}", "list": numbered}
    at.session_state[f"review_{kind}_card"] = {"presses": sent}
    at.run()
    assert not at.exception
    return at


def say(at, says, kind="revision", **more):
    return send(at, kind, {"act": "say", "card": shown(at), "says": says} | more)


def undo(at, kind="revision"):
    return send(at, kind, {"act": "undo"})


def decisions(workspace):
    with workspace.db() as db:
        return {item.id: item.decision for item in revisions.find(db) if item.decision}


def texts(at):
    return " ".join(e.value for e in [*at.markdown, *at.caption])


def test_without_revisions_the_tab_says_where_they_come_from(empty_workspace, open_page):
    assert "There are no revisions yet" in texts(opened(open_page))


def test_a_second_key_on_a_decided_row_does_not_move_the_deck():
    deck = Deck.of("all", [Card("x"), Card("y"), Card("z")], frozenset({"y"}))
    assert [card.id for card in deck.cards] == ["y", "x", "z"]
    assert deck.after("x").current == Card("z")
    assert deck.after("x").after("x") == deck.after("x")
    assert deck.after("x").showing(Card("x")).current == Card("x")
    assert len(deck.after("x").showing(Card("y")).cards) == 3


def test_a_revision_is_kept_rejected_and_corrected_by_keys(seeded_workspace, open_page):
    at = opened(open_page)
    assert at.progress[0].text == "0 of 6 decided"
    first, second, third = (row["id"] for row in hand(at)["cards"][:3])
    say(at, "keep", note="plain and short")
    say(at, "drop")
    say(at, "correct", text="Better, by hand.")
    found = decisions(seeded_workspace)
    assert {key: (one.verdict, one.text, one.note, one.person) for key, one in found.items()} == {
        first: ("keep", "", "plain and short", "Ada"),
        second: ("drop", "", "", "Ada"),
        third: ("correct", "Better, by hand.", "", "Ada"),
    }
    assert at.progress[0].text == "3 of 6 decided"
    assert not {row["id"] for row in hand(at)["cards"]} & found.keys()
    assert [button["words"] for button in hand(at)["buttons"]] == [
        *("Keep", "Reject", "Edit", "Skip", "Note", "Undo", "Keys"),
    ]


def test_undo_brings_revisions_back_as_far_as_one_likes_also_after_a_new_visit(
    seeded_workspace, open_page
):
    at = opened(open_page)
    first = shown(at)
    say(at, "keep")
    second = shown(at)
    say(at, "drop")
    at = opened(open_page)
    undo(at)
    assert shown(at) == second
    undo(at)
    assert shown(at) == first
    assert decisions(seeded_workspace) == {}
    undo(at)
    assert hand(at)["told"] == "You have no decision to undo."
    with seeded_workspace.db() as db:
        assert [event.undone for event in revisions.history(db, first)] == [True]


def test_what_is_sent_again_is_stored_once(seeded_workspace, open_page):
    at = opened(open_page)
    press = {"act": "say", "card": shown(at), "says": "keep", "number": 900}
    for _ in range(2):
        send(at, "revision", press)
        assert hand(at)["acks"] == {"tab": 900}
    with seeded_workspace.db() as db:
        assert len(revisions.history(db, press["card"])) == 1


def test_an_empty_correction_is_refused_and_holds_nothing_up(seeded_workspace, open_page):
    at = opened(open_page)
    row = shown(at)
    presses = [{"act": "say", "card": row, "says": "correct", "text": " "}]
    send(at, "revision", *presses)
    assert "the corrected response is empty" in hand(at)["told"]
    assert shown(at) == row
    assert decisions(seeded_workspace) == {}
    say(at, "keep")
    assert list(decisions(seeded_workspace)) == [row]


def test_every_round_is_shown_with_its_principle(seeded_workspace, open_page):
    row = hand(opened(open_page))["cards"][0]
    assert [box["title"] for box in row["boxes"]] == ["First answer", "After 2 rounds"]
    assert [fact["title"] for fact in row["facts"]] == [
        "Round 1 · honest · critique",
        "Round 1 · honest · revision",
        "Round 2 · safe · critique",
    ]
    assert "words added" in row["note"]


def test_each_person_has_an_order_by_chance_that_stays(seeded_workspace, open_page):
    def order(who):
        return list(opened(open_page, person=who).session_state["review_revision_deck"].cards)

    people = ["Ada", "Grace", "Alan", "Mary"]
    orders = [order(who) for who in people]
    assert orders == [order(who) for who in people]
    assert len({tuple(card.id for card in one) for one in orders}) > 1
    with seeded_workspace.db() as db:
        came = revisions.ids(db)
    assert {frozenset(card.id for card in one) for one in orders} == {frozenset(came)}


def test_when_all_revisions_are_decided_the_decided_ones_can_be_looked_at(
    seeded_workspace, open_page
):
    at = opened(open_page)
    while shown(at):
        say(at, "keep")
    assert hand(at)["nothing"]["title"] == "Nothing is left under these filters"
    at.selectbox(key="revision_done").set_value("Decided").run()
    assert hand(at)["cards"][0]["badges"] == ["Kept by Ada"]


def test_the_order_of_a_deck_follows_what_was_said_and_taken_back():
    deck = Deck.of("all", [Card(one) for one in "wxyz"], frozenset())

    def to_come(**stored):
        after = review_decisions.moved(deck, Stored(**stored))
        return "".join(card.id for card in after.cards[after.at :])

    assert to_come(said=["w", "x"]) == "yz"
    assert to_come(said=["y"]) == "wxz"  # pressed before another deck was drawn
    assert to_come(back=["z", "y"]) == "yzwx"
    assert to_come(said=["w"], back=["w"]) == "xyz"


def test_presses_of_a_said_and_an_undo_of_it_come_to_nothing(seeded_workspace):
    presses = [
        KeyPress("t", 1, "say", "x", "keep"),
        KeyPress("t", 2, "undo"),
        KeyPress("t", 3, "say", "y", "nonsense"),
    ]
    with seeded_workspace.db() as db:
        stored = review_decisions.store(db, presses, helpful, person="Ada")
        assert helpful.decisions(db) == {}
    assert (stored.said, stored.back, stored.acks) == ([], ["x"], {"t": 3})
    assert "a decision is one of" in stored.refused[0]


# -- helpful answers


def test_helpful_answers_are_reviewed_with_the_same_keys(seeded_workspace, open_page):
    at = opened(open_page, "Helpful")
    total = len(curate_recipe.shipped_answers())
    assert at.progress[0].text == f"0 of {total} decided"
    row = hand(at)["cards"][0]
    assert [box["title"] for box in row["boxes"]] == ["The answer"]
    say(at, "drop", "helpful", note="too long")
    assert at.progress[0].text == f"1 of {total} decided"
    with seeded_workspace.db() as db:
        [decision] = helpful.decisions(db).values()
    assert (decision.row, decision.verdict, decision.note) == (row["id"], "drop", "too long")
    undo(at, "helpful")
    assert shown(at) == row["id"]
    with seeded_workspace.db() as db:
        assert helpful.decisions(db) == {}


def test_a_rejected_helpful_answer_stays_out_and_an_edited_one_enters_as_edited(
    seeded_workspace, open_page
):
    at = opened(open_page, "Helpful")
    say(at, "drop", "helpful")
    edited = hand(at)["cards"][0]
    say(at, "correct", "helpful", text="Edited by hand.")
    say(at, "skip", "helpful")
    with seeded_workspace.db() as db:
        made = curate_recipe.helpful_answers(db, SftRecipe().filters).pool
    total = len(curate_recipe.shipped_answers())
    assert len(made.rows) == total - 1
    assert made.dropped == {"dropped by a person": 1}
    [row] = [r for r in made.rows if r.row["completion"][0]["content"] == "Edited by hand."]
    assert row.prompt[-1].content == edited["turns"][-1]["text"]
    at.selectbox(key="helpful_done").set_value("Decided").run()
    assert len(hand(at)["cards"]) == 3


@pytest.mark.parametrize(
    ("note", "badge"), [("", ("Rejected by Ada",)), ("dull", ("Rejected by Ada: dull",))]
)
def test_a_row_says_who_decided_on_it_before(note, badge):
    event = DecisionEvent("i", "r", "Ada", "drop", "", note, "now")
    assert review_decisions.badge_of(event) == badge
    assert review_decisions.badge_of(None) == ()
