"""Somebody who reads pairs in a browser: keys, what was on the screen at each, and what was stored."""

from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

from playwright.sync_api import BrowserContext, Page, expect

from cai_core.store import labels
from cai_core.store.labels import LabelFilter, StoredLabel
from tests.journey.screen import SLOW
from tests.journey.workbench import Workbench

# What a person sees when a key goes down, written down before the page hears of it.
RECORD = """
window.seen = {keys: [], presses: [], refused: [], painted: []};
const card = () => document.querySelector('[data-testid="stBidiComponentIsolated"]')?.shadowRoot?.querySelector('.card');
window.addEventListener('keydown', (e) => window.seen.keys.push(
    {key: e.key, row: card()?.dataset.row ?? '', at: e.timeStamp, repeat: e.repeat}), true);
document.addEventListener('ratify-press', (e) => window.seen.presses.push(e.detail));
document.addEventListener('ratify-refused', (e) => window.seen.refused.push(e.detail));
document.addEventListener('ratify-painted', (e) => window.seen.painted.push(e.detail));
"""


@dataclass
class Reader:
    """One person in one browser."""

    page: Page
    bench: Workbench
    name: str
    faults: list[str] = field(default_factory=list)

    @classmethod
    def arrive(cls, context: BrowserContext, bench: Workbench, name: str) -> Self:
        cookie = {"name": "ratify_person", "value": quote(name), "url": bench.address}
        context.add_cookies([cookie])  # type: ignore[list-item]
        context.add_init_script(RECORD)
        reader = cls(context.new_page(), bench, name)
        reader.page.on("pageerror", lambda error: reader.faults.append(str(error)))
        reader.open()
        return reader

    def open(self) -> None:
        """Load the review page, as a reload does."""
        self.page.goto(f"{self.bench.address}/review")
        self.ready()

    def ready(self) -> None:
        """Wait until a pair is on the screen and nothing is unsent."""
        self.page.wait_for_selector(".card[data-painted]:not([data-painted=''])", timeout=SLOW)
        self.all_stored()

    def all_stored(self) -> None:
        self.page.wait_for_selector(".card[data-unsent='0']", timeout=SLOW)

    @property
    def card(self) -> Any:
        return self.page.locator(".card")

    @property
    def row(self) -> str:
        """The id of the pair on the screen."""
        return str(self.card.get_attribute("data-row"))

    def reads(self) -> str:
        """Wait until a pair is painted; its id."""
        self.page.wait_for_function(
            "() => {const c = document.querySelector('[data-testid=\"stBidiComponentIsolated\"]')"
            "?.shadowRoot?.querySelector('.card');"
            " return c && c.dataset.row && c.dataset.row === c.dataset.painted}"
        )
        return self.row

    def key(self, key: str) -> str:
        """Press a key when a pair is painted; the pair that was on the screen."""
        row = self.reads()
        self.page.keyboard.press(key)
        return row

    def seen(self, what: str) -> list[dict[str, Any]]:
        """What was recorded in this page since it was loaded."""
        found: list[dict[str, Any]] = self.page.evaluate("what => window.seen[what]", what)
        return found

    def told(self, words: str) -> None:
        expect(self.page.locator(".card .told")).to_have_text(words)

    def choose_queue(self, name: str) -> None:
        box = self.page.get_by_role("combobox", name="Queue")
        box.click()
        self.page.get_by_role("option", name=name).click()
        expect(box).to_have_value(name)

    def stored(self) -> list[StoredLabel]:
        """This person's verdicts, those taken back too, in the order given."""
        with self.bench.db() as db:
            mine = db.conn.execute(
                "SELECT id FROM labels WHERE kind = 'person' AND annotator = ? ORDER BY seq",
                [self.name],
            ).fetchall()
            return [labels.get(db, key) for (key,) in mine]

    def standing(self) -> dict[str, StoredLabel]:
        with self.bench.db() as db:
            found = labels.verdicts(db, LabelFilter(annotator=self.name))
        return {item.pair_id: item for item in found}
