"""Writing as two people do it: typed and reloaded, searched, undone, in conflict, compared, forked."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, expect

from cai_core.store import constitutions, drafts
from tests.journey.screen import Screen
from tests.journey.walk import Walk

EDITED = "helpful"
TYPED = " Say so on one line."


def arrive(walk: Walk) -> None:
    _enter(walk.screen, "Mina")


def _enter(screen: Screen, name: str) -> None:
    screen.page.goto(screen.address)
    screen.write("Name", name)
    screen.press("Go on")
    screen.open("constitution", "Constitution")
    screen.choose("Constitution", EDITED)


def type_and_reload(walk: Walk) -> None:
    """A wording is typed, its field never left, and the page reloaded: the draft is there."""
    screen = walk.screen
    box = _wording(screen, "usable")
    box.click()
    screen.page.keyboard.press("End")
    screen.page.keyboard.press("Control+End")
    screen.page.keyboard.type(TYPED)
    expect(screen.main.get_by_text("Unsaved draft").first).to_be_visible()
    expect(box).to_be_focused()
    screen.settle()
    screen.page.reload()
    screen.sees("based on version 1: 1 principle changed")
    screen.settle()
    expect(screen.page).to_have_title(re.compile("^•"))
    expect(
        screen.page.get_by_test_id("stSidebar").get_by_text(f"Unsaved: {EDITED}")
    ).to_be_visible()
    expect(_wording(screen, "usable")).to_have_value(re.compile(re.escape(TYPED)))
    screen.shot("editor-reloaded")
    with walk.bench.db() as db:
        (name,) = drafts.stamps(db, "Mina")
        kept = drafts.get(db, "Mina", name)
    assert kept
    assert kept.constitution.principle("usable").text.endswith(TYPED)


def search_and_undo(walk: Walk) -> None:
    screen = walk.screen
    sought = screen.main.get_by_role("textbox", name="Search", exact=True)
    sought.click()
    screen.page.keyboard.type("accurate")
    screen.sees("1 of 7 principles found")
    screen.settle()
    card = screen.unfold(re.compile("correct"))
    screen.write("Key", "accurate-facts", within=card)
    screen.sees("1 of 7 principles found")
    screen.shot("editor-search")
    screen.key("Control+z")
    expect(card.get_by_role("textbox", name="Key", exact=True)).to_have_value("correct")
    screen.settle()
    screen.key("Control+Shift+Z")
    expect(card.get_by_role("textbox", name="Key", exact=True)).to_have_value("accurate-facts")
    screen.settle()
    screen.write("Search", "")
    screen.sees("7 principles")


def keep_the_browsers_own_undo(walk: Walk) -> None:
    """Inside a field Ctrl+Z takes back what was typed there, not an edit of the draft."""
    screen = walk.screen
    box = _wording(screen, "usable")
    box.click()
    screen.page.keyboard.type("ß")
    screen.page.keyboard.press("Control+z")
    expect(box).not_to_have_value(re.compile("ß"))
    expect(box).to_have_value(re.compile(re.escape(TYPED)))
    box.blur()
    screen.settle()
    screen.sees("based on version 1: 1 principle renamed, 1 changed")


def meet_another_editor(walk: Walk) -> None:
    """Grace saves first, by the key and from within a field; Mina puts both together."""
    screen = walk.screen
    with _another(walk) as other:
        _enter(other, "Grace")
        box = _wording(other, "clear")
        box.click()
        other.page.keyboard.press("Control+End")
        other.page.keyboard.type(" Even on a small screen?")
        other.page.keyboard.press("Control+s")
        other.sees("Version 2, saved by Grace")
        other.settle()
    screen.write("What changed, and why", "one line, and accurate facts")
    screen.sees("Grace saved version 2 while you edited version 1")
    screen.sees("Even on a small screen?")
    screen.shot("editor-conflict")
    screen.press("Put both together")
    screen.sees("based on version 2: 1 principle renamed, 1 changed")
    screen.key("Control+s")
    screen.sees("Version 3, saved by Mina")
    screen.settle()
    with walk.bench.db() as db:
        three, two, one = constitutions.versions(db, EDITED)
        assert not drafts.stamps(db, "Mina")
    for version in (two, three):
        assert version.constitution.principle("clear").text.endswith("Even on a small screen?")
    assert three.constitution.principle("usable").text.endswith(TYPED)
    assert [version.parent for version in (three, two)] == [two.id, one.id]
    assert three.message == "one line, and accurate facts"


@contextmanager
def _another(walk: Walk) -> Iterator[Screen]:
    """A browser of somebody else."""
    browser = walk.screen.page.context.browser
    assert browser
    context = browser.new_context(viewport=walk.screen.page.viewport_size)
    screen = Screen(context.new_page(), walk.screen.address, walk.files)
    try:
        yield screen
        assert screen.faults == []
        assert screen.strangers == []
    finally:
        context.close()


def read_the_difference(walk: Walk) -> None:
    screen = walk.screen
    screen.part("History", says="A version never changes and never vanishes")
    screen.choose("From", re.compile(f"^{EDITED}, version 1"))
    screen.sees(re.compile("renamed, was correct"))
    expect(screen.main.locator("ins", has_text="one line")).to_be_visible()
    screen.shot("editor-history")


def fork_a_version(walk: Walk) -> None:
    screen = walk.screen
    screen.press("Fork version 1")
    form = screen.page.get_by_test_id("stPopoverBody")
    screen.write("Name", "gentle", within=form)
    screen.press("Fork it", within=form)
    screen.sees(f"forked from {EDITED}, version 1: no change yet")
    screen.page.keyboard.press("Escape")
    screen.key("Control+s")
    screen.sees(re.compile(rf"Version 1, saved by Mina .* forked from {EDITED}, version 1"))
    screen.shot("editor-forked")
    with walk.bench.db() as db:
        forked = constitutions.newest(db, "gentle")
        first = constitutions.numbered(db, EDITED, 1)
    assert forked.parent == first.id
    assert forked.constitution.principles == first.constitution.principles


def discard_and_bring_back(walk: Walk) -> None:
    screen = walk.screen
    screen.part("Principles", says="7 principles")
    screen.key("n")
    screen.sees("8 principles")
    screen.settle()
    screen.press("Discard")
    screen.press("Discard", within=screen.page.get_by_test_id("stDialog"))
    screen.sees("Version 1, saved by Mina")
    screen.press("Set aside")
    screen.press("Bring it back")
    screen.page.keyboard.press("Escape")
    screen.sees("based on version 1: 1 principle added")
    screen.settle()


def _wording(screen: Screen, key: str) -> Locator:
    """The comparison wording of a principle, its card opened."""
    card = screen.unfold(re.compile(rf"\d+\. {key}"))
    return card.get_by_role("textbox", name="Comparison wording", exact=True)
