"""A workbench of pairs without models, and people who read them in browsers of their own."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlite_utils import Database

from cai_core.schema import Pair, user
from cai_core.store import constitutions, labels, pairs
from tests.browser.reader import Reader
from tests.journey.conftest import WIDE, chromium
from tests.journey.workbench import Workbench, serve
from tests.pages import seed

__all__ = ["chromium"]

PAIRS = 900  # more than all tests read


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with serve(tmp_path_factory.mktemp("browser"), "builtin:none") as bench:
        with bench.db() as db:
            fill(db)
        yield bench


def fill(db: Database, n: int = PAIRS) -> None:
    """Judged pairs, of which every tenth is long and mostly the same on both sides."""
    ref = constitutions.newest_of_each(db)[0].ref
    made = [_pair(number) for number in range(n)]
    pairs.add(db, made, source="browser")
    judged = (seed.judgement_of("x", at, ref) for at in range(n))
    labels.add_many(db, (replace(j, pair=p) for j, p in zip(judged, made, strict=True)), job="b")


def _pair(number: int) -> Pair:
    shared = "Take a clean pan and warm it slowly. " * (30 if number % 10 == 0 else 1)
    a, b = f"First, {number}. {shared}Then wait.", f"Begin, {number}. {shared}Then go on."
    return Pair.of((user(f"Question {number}?"),), a, b)


@pytest.fixture
def reader(
    chromium: Browser, workbench: Workbench, tmp_path: Path
) -> Iterator[Callable[[str], Reader]]:
    """Open the review page as somebody, in a browser of their own."""
    contexts = []

    def open_as(name: str) -> Reader:
        context = chromium.new_context(viewport=WIDE, color_scheme="light")  # type: ignore[arg-type]
        contexts.append(context)
        return Reader.arrive(context, workbench, name)

    yield open_as
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=tmp_path / f"last-{number}.png")
        context.close()
