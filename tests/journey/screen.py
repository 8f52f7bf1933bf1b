"""What a person does and sees in the browser: places found by role and label, waits on what is seen."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

from tests.journey.workbench import HOST

LOCAL = ("data", "blob")
PROBED = "/_stcore/"  # Streamlit looks for its server below the page first, which is a 404
BLINK = 120  # milliseconds
SLOW = 60_000  # milliseconds: for what a model has to say first


@dataclass
class Screen:
    """One tab; `faults` are errors of scripts, `strangers` requests that left this machine."""

    page: Page
    address: str
    shots: Path
    faults: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        place = message.location.get("url", "")
        if message.type == "error" and PROBED not in place:
            self.faults.append(f"{message.text} ({place})")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in LOCAL and parts.hostname != HOST:
            self.strangers.append(request.url)

    # -- going about

    def open(self, name: str, heading: str) -> None:
        """Go to a page by the menu, as a person does: its session stays."""
        self.page.get_by_test_id("stSidebar").get_by_role("link", name=heading, exact=True).click()
        expect(self.page.get_by_role("heading", name=heading, level=1)).to_be_visible()
        expect(self.page).to_have_url(re.compile(rf"/{name}(\?.*)?$"))
        self.settle()

    def settle(self) -> None:
        """Wait until the script that a click began has run; it begins within a blink."""
        app = self.page.get_by_test_id("stApp")
        for _ in range(2):
            self.page.wait_for_timeout(BLINK)
            expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=2 * SLOW)
        self.no_red_box()

    def shot(self, name: str) -> None:
        """Keep a picture of the whole page: Streamlit scrolls inside it, so the window grows."""
        size = self.page.viewport_size
        assert size
        self.page.mouse.move(size["width"] - 2, 2)  # no tooltip hangs over the page
        height = self.main.evaluate("main => main.scrollHeight")
        self.page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
        self.page.screenshot(path=self.shots / f"{name}.png")
        self.page.set_viewport_size(size)

    # -- acting

    @property
    def main(self) -> Locator:
        return self.page.get_by_test_id("stMain")

    def press(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        button = (within or self.page).get_by_role("button", name=name)
        expect(button.first).to_be_enabled()
        button.first.click()
        self.settle()

    def write(self, label: str, text: str, *, within: Locator | None = None) -> None:
        """Fill an input and leave it."""
        box = (within or self.page).get_by_role("textbox", name=label, exact=True).first
        box.fill(text)
        box.blur()
        self.settle()

    def number(self, label: str, value: float, *, within: Locator | None = None) -> None:
        box = (within or self.page).get_by_role("spinbutton", name=label).first
        box.fill(str(value))
        box.press("Enter")
        self.settle()

    def choose(
        self, label: str, option: str | re.Pattern[str], *, within: Locator | None = None
    ) -> None:
        box = (within or self.page).get_by_role("combobox", name=label, exact=True).first
        box.click()
        self.page.get_by_role("option", name=option).first.click()
        expect(box).to_have_value(option)
        self.settle()

    def part(self, name: str, *, says: str = "") -> None:
        """Choose a tab or a segment; `says` stands there and nowhere else."""
        tab = self.main.get_by_role("tab", name=name, exact=True)
        segment = self.main.get_by_role("radio", name=name, exact=True)
        tab.or_(segment).first.click()
        self.settle()
        if says:
            self.sees(says)

    def unfold(self, words: str | re.Pattern[str]) -> Locator:
        """Open the card or expander that is titled so."""
        found = self.main.get_by_test_id("stExpander").filter(has_text=words).first
        inside = found.get_by_test_id("stExpanderDetails").first
        if not inside.is_visible():
            found.locator("summary").first.click()
        expect(inside).to_be_visible()
        self.settle()
        return found

    def key(self, key: str) -> None:
        """Press a key with nothing in focus."""
        self.page.evaluate("document.activeElement?.blur()")
        self.page.keyboard.press(key)

    # -- looking

    def sees(self, words: str | re.Pattern[str], *, seconds: float = 15) -> None:
        expect(self.main.get_by_text(words).first).to_be_visible(timeout=1000 * seconds)

    def told(self, words: str | re.Pattern[str]) -> None:
        """A note came up in the corner."""
        expect(self.page.get_by_test_id("stToast").filter(has_text=words).first).to_be_visible()

    def no_red_box(self) -> None:
        """Neither a red box nor a traceback stands on the page."""
        for kind in ("stAlertContentError", "stException"):
            wrong = self.page.get_by_test_id(kind)
            assert wrong.count() == 0, wrong.first.inner_text()
