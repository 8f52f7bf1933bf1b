"""In a browser: pairs are labelled in bulk and taken back in one step; revisions are decided by keys."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cai_core.schema import ConstitutionRef, Label
from cai_core.store import bulk, helpful, labels, revisions
from cai_core.store.labels import LabelFilter, StoredLabel
from tests.journey.conftest import WIDE
from tests.journey.screen import Screen
from tests.journey.workbench import Workbench, serve
from tests.pages import seed

NAME = "those judged *well*"
SOURCE = "bulk"
REF = ConstitutionRef("bulky", "0123456789ab", 1)  # tells our judgements from those that ship


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with serve(tmp_path_factory.mktemp("bulk"), "builtin:none") as bench:
        with bench.db() as db:
            labels.add_many(db, _judged(40), job="b", source=SOURCE)
            revisions.add_many(db, [seed.revision_of(q, REF) for q in seed.QUESTIONS], job="r")
        yield bench


def _judged(n: int) -> Iterator[Label]:
    return (seed.judgement_of(f"Question {at}?", at, REF) for at in range(n))


@pytest.fixture
def screen(chromium: Browser, workbench: Workbench, tmp_path: Path) -> Iterator[Screen]:
    context = chromium.new_context(viewport=WIDE, color_scheme="light")  # type: ignore[arg-type]
    context.add_cookies([{"name": "ratify_person", "value": "Ada", "url": workbench.address}])
    screen = Screen(context.new_page(), workbench.address, tmp_path)
    screen.page.goto(f"{workbench.address}/review")
    expect(screen.page.get_by_role("heading", name="Review", level=1)).to_be_visible()
    screen.settle()
    yield screen
    screen.page.screenshot(path=tmp_path / "last.png")
    context.close()


def _rules(bench: Workbench) -> list[StoredLabel]:
    with bench.db() as db:
        return labels.standing(db, LabelFilter(kind="rule"))


def test_a_bulk_label_is_previewed_confirmed_and_undone_as_one(
    screen: Screen, workbench: Workbench
) -> None:
    screen.part("Bulk", says="One verdict for many pairs at once")
    screen.choose("Judge", re.compile("bulky"))
    screen.choose("Source", SOURCE)
    screen.choose("The judge says", "A is better")
    screen.write("Name of the rule", NAME)
    screen.sees("10 of 20, drawn at random")
    screen.shot("bulk-preview")
    screen.press("Label 20 pairs")
    dialog = screen.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Label 20 pairs?")
    dialog.get_by_role("button", name="Cancel").click()
    screen.settle()
    assert not _rules(workbench)
    screen.press("Label 20 pairs")
    screen.page.get_by_role("dialog").get_by_role("button", name="Label them").click()
    screen.told("20 pairs are labelled")
    screen.settle()
    assert {item.label.verdict for item in _rules(workbench)} == {"a"}
    assert len(_rules(workbench)) == 20
    screen.sees(re.compile(re.escape(NAME)))
    screen.shot("bulk-done")
    screen.press("Undo")
    screen.told("The batch is taken back")
    screen.sees("taken back by Ada")
    assert not _rules(workbench)
    with workbench.db() as db:
        assert [batch.undone_by for batch in bulk.find(db)] == ["Ada"]
    assert not screen.faults
    assert not screen.strangers


def test_revisions_and_helpful_answers_are_decided_by_keys_alone(
    screen: Screen, workbench: Workbench
) -> None:
    screen.part("Revisions", says="Is this revision a good answer")
    rows = [_press(screen.page, key) for key in "kds"]
    screen.page.keyboard.press("e")
    box = screen.page.locator(".card .over textarea")
    box.fill("By hand.")
    fourth = _shown(screen.page)
    box.press("Control+Enter")
    _stored(screen.page)
    with workbench.db() as db:
        said = {item.id: item.decision.verdict for item in revisions.find(db) if item.decision}
    assert said == dict(zip([*rows, fourth], ["keep", "drop", "skip", "correct"], strict=True))
    screen.page.keyboard.press("u")
    expect(screen.page.locator(".card")).to_have_attribute("data-row", fourth)
    _stored(screen.page)
    screen.shot("revisions")
    screen.part("Helpful", says="Is this a good answer")
    first = _press(screen.page, "d")
    with workbench.db() as db:
        assert {key: one.verdict for key, one in helpful.decisions(db).items()} == {first: "drop"}
    screen.shot("helpful")
    assert not screen.faults


def _shown(page: Page) -> str:
    card = page.locator(".card")
    expect(card).to_have_attribute("data-painted", re.compile(".+"))
    return card.get_attribute("data-row") or ""


def _press(page: Page, key: str) -> str:
    """Press a key on the row that is shown; its id, when it is stored."""
    row = _shown(page)
    page.keyboard.press(key)
    expect(page.locator(".card")).not_to_have_attribute("data-row", row)
    _stored(page)
    return row


def _stored(page: Page) -> None:
    expect(page.locator(".card")).to_have_attribute("data-unsent", "0", timeout=30_000)
