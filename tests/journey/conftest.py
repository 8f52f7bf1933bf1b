"""The journey's browser, its workbench and its model, each made once and ended at last."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journey.chromium import launched, path
from tests.journey.model import save_model
from tests.journey.screen import Screen
from tests.journey.walk import Walk
from tests.journey.workbench import Workbench, serve

NO_CHROMIUM = (
    "the journey needs Chromium: install it so that 'chromium' is on PATH, or name it in $CHROMIUM"
)
WIDE = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A Chromium of our own: the plugin's would leave an event loop to the tests that follow."""
    if not path():
        pytest.fail(NO_CHROMIUM, pytrace=False)
    with launched() as browser:
        yield browser


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
