"""Pairs read by keys in a real browser: each key is stored once, on the pair that was on the screen."""

import random

import pytest
from playwright.sync_api import expect

from cai_core.schema import Review
from cai_core.store import corrections, draws, labels, pairs
from cai_core.store.pairs import PairFilter
from tests.browser.conftest import _pair

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

SAYS = {"a": "a", "b": "b", "t": "tie", "x": "bad", "s": "skip"}
KEYS = 300
GAPS_MS = (60, 400)


def own(key, label):
    """The verdict that a key means on the pair's own sides."""
    if label.review.shown == "ba":
        return {"a": "b", "b": "a"}.get(SAYS[key], SAYS[key])
    return SAYS[key]


def test_thirty_pairs_by_keys_only_and_blind(reader):
    ada = reader("Ada")
    given = []
    for at in range(30):
        key = "abtxs"[at % 5]
        if at == 1:
            ada.page.keyboard.press("2")
            ada.page.keyboard.press("4")
            ada.page.keyboard.press("4")
        given.append((key, ada.key("Shift+B" if at == 1 else key)))
    ada.all_stored()
    kept = ada.stored()
    assert [(event.pair_id, event.label.verdict) for event in kept] == [
        (row, own(key, event.label)) for (key, row), event in zip(given, kept, strict=True)
    ]
    assert len({event.pair_id for event in kept if event.label.review.first}) >= 25
    assert {event.label.review.shown for event in kept} == {"ab", "ba"}
    assert all(event.label.review.blind and event.label.review.queue == "even" for event in kept)
    assert [event.label.review.clear for event in kept] == [at == 1 for at in range(30)]
    assert kept[1].label.review.reasons == ("evasive",)
    assert ada.faults == []


def test_undo_goes_back_as_far_as_one_likes_and_across_pages(reader):
    ben = reader("Ben")
    rows = [ben.key("a") for _ in range(4)]
    ben.key("u")
    ben.all_stored()
    assert ben.row == rows[3]
    ben.page.get_by_test_id("stSidebar").get_by_role("link", name="Curate").click()
    expect(ben.page.get_by_role("heading", name="Curate", level=1)).to_be_visible()
    ben.page.get_by_test_id("stSidebar").get_by_role("link", name="Review").click()
    ben.ready()
    ben.key("u")
    ben.all_stored()
    assert ben.row == rows[2]
    ben.open()  # loaded anew: what was read before is known to the server alone
    for row in rows[1::-1]:
        ben.page.keyboard.press("u")
        expect(ben.card).to_have_attribute("data-painted", row, timeout=15_000)
        ben.all_stored()
    assert ben.standing() == {}
    ben.page.keyboard.press("u")
    ben.told("You have no verdict to undo.")
    assert ben.key("b") == rows[0]
    ben.all_stored()
    assert list(ben.standing()) == [rows[0]]


def test_keys_that_could_not_be_sent_survive_a_reload_and_are_stored_once(reader, workbench):
    cora = reader("Cora")
    first = cora.key("a")
    cora.all_stored()
    with workbench.stopped():
        given = [cora.key(key) for key in "btxs"]
        assert cora.card.get_attribute("data-unsent") == "4"
        cora.page.goto("about:blank")
    cora.open()
    kept = cora.stored()
    assert [event.pair_id for event in kept] == [first, *given]
    assert [event.label.verdict for event in kept[2:]] == ["tie", "bad", "skip"]
    assert cora.row not in {first, *given}


def test_three_hundred_quick_keys_are_stored_once_each_on_the_pair_that_was_shown(reader):
    dan = reader("Dan")
    chance = random.Random(7)
    for _ in range(KEYS):
        dan.page.keyboard.press(chance.choice("abts"))
        dan.page.wait_for_timeout(chance.uniform(*GAPS_MS))
    dan.all_stored()
    keys, presses, refused = (dan.seen(what) for what in ("keys", "presses", "refused"))
    assert len(keys) == KEYS
    assert len(presses) + len(refused) == KEYS
    assert len(presses) > KEYS / 2
    on_screen = {one["at"]: one for one in keys}
    kept = dan.stored()
    assert [event.pair_id for event in kept] == [one["card"] for one in presses]
    for press, event in zip(presses, kept, strict=True):
        down = on_screen[press["key"]]
        assert down["row"] == press["card"]
        assert event.label.verdict == own(down["key"], event.label)


def test_two_people_never_have_the_same_pair_at_once(reader, workbench):
    eve, finn = reader("Eve"), reader("Finn")
    for _ in range(12):
        assert eve.reads() != finn.reads()
        with workbench.db() as db:
            held = [
                {lease["pair"] for lease in db["leases"].rows_where("person = ?", [who])}
                for who in ("Eve", "Finn")
            ]
        assert held[0]
        assert not held[0] & held[1]
        eve.key("a")
        finn.key("b")
    eve.all_stored()
    finn.all_stored()
    assert (len(eve.stored()), len(finn.stored())) == (12, 12)


def test_a_disputed_pair_is_decided_with_both_opinions_in_sight(reader, workbench):
    with workbench.db() as db:
        pair = pairs.find(db, PairFilter(source="browser"), limit=1)[0].pair
        for who, says, note in (("Gus", "a", "It is kind."), ("Hal", "b", "It says more.")):
            review = Review(True, "opened", None, who, note=note)
            labels.add(db, labels.verdict_label(pair, says, review=review))
    iris = reader("Iris")
    iris.choose_queue("Adjudication")
    expect(iris.card).to_contain_text("People disagree", timeout=15_000)
    while iris.reads() != pair.id:  # some pairs go to two people, who differ
        iris.key("b")
        iris.all_stored()
    expect(iris.card).to_contain_text("It is kind.")
    expect(iris.card).to_contain_text("It says more.")
    iris.key("t")
    iris.all_stored()
    with workbench.db() as db:
        left = pairs.count(db, PairFilter(disputed=True))
    for _ in range(left):
        iris.key("t")
    expect(iris.card).to_contain_text("No pair is left in this queue")
    iris.page.keyboard.press("a")
    iris.told("Not counted: nothing is on the screen.")
    assert iris.standing()[pair.id].label.review.queue == "adjudication"
    with workbench.db() as db:
        assert pairs.count(db, PairFilter(disputed=True)) == 0


def test_keys_in_a_field_and_held_keys_judge_nothing(reader):
    jo = reader("Jo")
    row = jo.row
    jo.page.keyboard.press("n")
    jo.page.keyboard.type("bats ate it")
    jo.page.keyboard.press("Control+Enter")
    expect(jo.card).to_contain_text("Note: bats ate it")
    jo.page.keyboard.press("?")
    jo.page.keyboard.press("a")
    jo.page.keyboard.press("Escape")
    assert jo.row == row
    assert jo.key("a") == row
    jo.page.evaluate(
        "() => document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'b', repeat: true, bubbles: true, composed: true}))"
    )
    jo.all_stored()
    (kept,) = jo.stored()
    assert kept.label.review.note == "bats ate it"


def test_an_answer_that_would_be_right_is_written_on_the_pair(reader, workbench):
    kim = reader("Kim")
    row = kim.key("e")
    kim.page.get_by_role("button", name="Begin with A").click()
    kim.page.keyboard.press("End")
    kim.page.keyboard.type(" Or ask.")
    kim.page.keyboard.press("Control+Enter")
    kim.told("Your answer is kept.")
    kim.all_stored()
    assert kim.row == row
    with workbench.db() as db:
        (kept,) = db["corrections"].rows_where("person = 'Kim'")
    assert kept["pair"] == row
    assert kept["text"].endswith("Or ask.")
    after = kim.key("a")
    assert after == row
    kim.reads()
    kim.key("u")  # the verdict
    kim.all_stored()
    assert kim.row == row
    kim.key("u")  # the answer
    kim.all_stored()
    assert kim.row == row
    with workbench.db() as db:
        assert corrections.of_pair(db, row) == []


def test_undo_of_an_answer_leaves_the_verdict_before_it(reader, workbench):
    ola = reader("Ola")
    first = ola.key("a")
    row = ola.key("e")
    ola.page.keyboard.type("Ask them.")
    ola.page.keyboard.press("Control+Enter")
    ola.key("u")
    assert ola.row == row
    ola.all_stored()
    assert list(ola.standing()) == [first]
    with workbench.db() as db:
        assert corrections.of_pair(db, row) == []


def test_undo_brings_reasons_and_note_back(reader):
    pia = reader("Pia")
    row = pia.reads()
    pia.page.keyboard.press("2")
    pia.page.keyboard.press("n")
    pia.page.keyboard.type("It dodges.")
    pia.page.keyboard.press("Control+Enter")
    assert pia.key("a") == row
    pia.key("u")
    assert pia.row == row
    expect(pia.card.locator(".reason[aria-pressed='true']")).to_have_text("2evasive")
    expect(pia.card.locator(".noted")).to_have_text("Note: It dodges.")
    pia.key("b")
    pia.reads()
    expect(pia.card.locator(".reason[aria-pressed='true']")).to_have_count(0)
    pia.all_stored()
    kept = pia.standing()[row].label
    assert (kept.review.reasons, kept.review.note) == (("evasive",), "It dodges.")


def test_long_equal_stretches_are_folded_and_unfold_on_both_sides(reader, workbench):
    lea = reader("Lea")
    with workbench.db() as db:
        long = pairs.stored(db, _pair(10))
    lea.choose_queue("Search")
    box = lea.page.get_by_role("searchbox", name="Words")
    box.fill("Question 10?")
    box.press("Enter")
    lea.page.get_by_role("button", name="Question 10?", exact=True).click()
    expect(lea.card).to_have_attribute("data-painted", long.id, timeout=15_000)
    expect(lea.card).to_contain_text("Opened by hand: measures nothing")
    folds = lea.page.locator(".card .fold")
    expect(folds).to_have_count(2)
    folds.first.click()
    expect(folds).to_have_count(0)
    said = lea.page.locator(".card .box .text").all_inner_texts()
    assert sorted(said) == sorted([long.pair.response_a, long.pair.response_b])
    with workbench.db() as db:
        draws.release(db, "Lea")
