"""The emulator's own page shows what happens as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from browser.flags import FLAGS
from tokensvc.emulator import Options
from tokensvc.emulator.background import BackgroundEmulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Playwright

CALL = """
([url, setup]) => new Promise((resolve) => {
  window.call = new WebSocket(url);
  window.call.onopen = () => {
    window.call.send(JSON.stringify({ setup }));
    window.call.send(JSON.stringify({ realtimeInput: { text: '<b>My number is 17.</b>' } }));
    resolve();
  };
})
"""
SETUP = {
    "model": "models/gemini-3.8-live",
    "generationConfig": {"responseModalities": ["AUDIO"]},
}


@pytest.fixture(name="page")
def _page(playwright: Playwright, chromium_path: str) -> Iterator[Page]:
    browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
    yield browser.new_page()
    browser.close()


def test_session_appears_while_it_lasts(page):
    """With its text and sound; so do tokens."""
    with BackgroundEmulator(Options(latency=0.0)) as emulator:
        page.goto(f"{emulator.url}/emulator")
        emulator.mint()
        page.get_by_text("Tokens", exact=True).click()
        expect(page.locator("#tokens pre")).to_contain_text("lock: none · uses left: 1")

        page.evaluate(CALL, [f"{emulator.websocket_url(constrained=False)}?key=any", SETUP])
        session = page.locator("#sessions details.live")
        session.locator("summary").click()
        expect(session.locator("summary")).to_contain_text("models/gemini-3.8-live")
        expect(session.locator("pre").first).to_contain_text("typed    <b>My number is 17.</b>")
        expect(session.locator("audio")).to_have_count(2)

        page.evaluate("window.call.close()")
        expect(page.locator("#sessions details.closed")).to_have_count(1)
