"""Evidence in a real browser: a click on a row, on a cell of the matrix, on a switch."""

import re

import pytest
from playwright.sync_api import expect

from cai_core.store import constitutions
from tests.journey.walk import Walk
from tests.pages import judged

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LINE = 35  # pixels of a row of a table


def test_the_pairs_behind_a_number_are_one_click_away(walk: Walk):
    screen, page = walk.screen, walk.screen.page
    with walk.bench.db() as db:
        judged.fill(db)
        keys = [p.key for p in constitutions.newest(db, "short").constitution.enabled]
    page.goto(screen.address)
    screen.write("Name", "Ada")
    screen.press("Go on")
    screen.open("constitution", "Constitution")
    screen.choose("Constitution", "short")
    screen.part("Evidence", says="140 of them reviewed blind")

    table = screen.main.get_by_test_id("stDataFrame").first.bounding_box()
    assert table
    page.mouse.click(table["x"] + 16, table["y"] + 2.5 * LINE)  # the box of the second row
    screen.settle()
    expect(page.get_by_role("combobox", name="Principle", exact=True)).to_have_value(keys[1])
    screen.sees("Open in review")
    screen.shot("evidence-principles")

    screen.part("Alike and opposed", says="Contradict each other")
    cells = screen.main.locator(".nsewdrag").first
    cells.scroll_into_view_if_needed()
    box = cells.bounding_box()
    assert box
    step = box["width"] / len(keys), box["height"] / len(keys)
    page.mouse.click(box["x"] + 0.5 * step[0], box["y"] + 1.5 * step[1])  # row 2, column 1
    screen.settle()
    expect(page.get_by_role("combobox", name="One", exact=True)).to_have_value(keys[1])
    expect(page.get_by_role("combobox", name="and the other")).to_have_value(keys[0])
    screen.shot("evidence-alike")

    screen.part("Other weights", says="0 of 140 verdicts turn")
    screen.main.get_by_test_id("stCheckbox").filter(has_text=keys[1]).locator("label").click()
    screen.settle()
    screen.sees(re.compile(r"\b[1-9]\d* of 140 verdicts turn"))
    screen.press("Put these weights into the draft")
    screen.told("The weights are in the draft")
    screen.sees("based on version 1: 1 principle changed")
    screen.shot("evidence-weights")

    screen.part("Weights my reviews suggest", says="They agree with the reviews more often")
    screen.shot("evidence-suggested")
    assert screen.faults == []
    assert screen.strangers == []
