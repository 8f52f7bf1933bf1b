"""A version is restored over an unsaved draft in a real browser: the screen goes on and says so."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


def test_after_a_restore_was_confirmed_the_page_goes_on(reader):
    page = reader("Quinn").page
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.get_by_test_id("stSidebar").get_by_role("link", name="Constitution").click()
    page.get_by_role("button", name="Add a principle").click()
    page.get_by_role("tab", name="History").click()
    page.get_by_role("button", name="Restore version").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_test_id("stToast")).to_contain_text("is in the draft", timeout=15_000)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("tab", name="Principles")).to_be_visible()
    assert faults == []
