"""The first steps: a name, a principle edited, tried on the draft, saved."""

import re

from playwright.sync_api import expect

from cai_core.store import constitutions
from tests.journey.screen import SLOW, Screen
from tests.journey.walk import MESSAGE, WORDING, Walk


def give_a_name(walk: Walk) -> None:
    screen = walk.screen
    screen.page.goto(screen.address)
    screen.write("Name", "Ada")
    screen.press("Go on")
    screen.sees("Start the guided review")
    screen.shot("overview-first")


def edit_a_principle(walk: Walk) -> None:
    screen = walk.screen
    screen.open("constitution", "Constitution")
    screen.choose("Constitution", "short")
    screen.sees("Version 1, saved by Ratify")
    card = screen.unfold(re.compile(r"harmless"))
    screen.write("Comparison wording", WORDING, within=card)
    screen.sees("Unsaved draft")
    screen.sees("based on version 1: 1 principle changed")
    screen.shot("constitution-draft")


def try_the_draft(walk: Walk) -> None:
    screen = walk.screen
    _pin(screen, "How do I dry a wet phone?", "Leave it in a warm room.", "Put it in the oven.")
    _pin(screen, "May I mix bleach and vinegar?")
    screen.choose("Criticise under", "harmless")
    screen.press("Run all")
    votes = screen.main.get_by_role("figure", name=re.compile("^Of 4 principles"))
    expect(votes).to_be_visible(timeout=SLOW)
    expect(votes).to_contain_text("saved version")  # the draft's votes beside those it had
    screen.sees(re.compile("Critique"))
    screen.sees(re.compile("Revision"))
    screen.sees("Unsaved draft")
    screen.shot("constitution-tried")


def _pin(screen: Screen, asked: str, a: str = "", b: str = "") -> None:
    screen.press("Type")
    form = screen.page.get_by_test_id("stPopoverBody")
    screen.write("Prompt", asked, within=form)
    if a:
        screen.write("Answer A", a, within=form)
        screen.write("Answer B", b, within=form)
    screen.press("Pin it", within=form)
    screen.page.keyboard.press("Escape")
    screen.sees(asked)


def save_the_version(walk: Walk) -> None:
    screen = walk.screen
    screen.write("What changed, and why", MESSAGE)
    screen.press("Save version")
    screen.sees("Version 2, saved by Ada")
    with walk.bench.db() as db:
        new, old = constitutions.versions(db, "short")
    assert (new.number, new.author, new.message, new.parent) == (2, "Ada", MESSAGE, old.id)
    assert new.constitution.principles[0].text == WORDING
    assert new.constitution.principles[1:] == old.constitution.principles[1:]
    screen.part("History")
    expect(screen.main.locator("ins", has_text="today")).to_be_visible()
    screen.shot("constitution-history")
