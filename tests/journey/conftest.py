"""The journey's browser, its workbench and its model, each made once and ended at last."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.journey.model import save_model
from tests.journey.screen import Screen
from tests.journey.walk import Walk
from tests.journey.workbench import Workbench, serve

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
NO_CHROMIUM = (
    "the journey needs Chromium: install it so that 'chromium' is on PATH, or name it in $CHROMIUM"
)
WIDE = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium of our own: the plugin's would leave an event loop to the tests that follow."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.fail(NO_CHROMIUM, pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    place = tmp_path_factory.mktemp("journey")
    model = save_model(place / "tiny")
    with serve(place, f"path:{model}") as bench:
        yield bench


@pytest.fixture
def walk(chromium: Browser, workbench: Workbench, tmp_path: Path) -> Iterator[Walk]:
    """A new browser at the door of a new workspace; pictures lie in tmp_path."""
    context = chromium.new_context(viewport=WIDE, color_scheme="light")  # type: ignore[arg-type]
    screen = Screen(context.new_page(), workbench.address, tmp_path)
    try:
        yield Walk(screen, workbench, tmp_path)
    finally:
        screen.page.screenshot(path=tmp_path / "last.png")
        context.close()
