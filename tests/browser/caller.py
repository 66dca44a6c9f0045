"""Somebody on a third-party site who uses the widget there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

# Records the widget's events as the host receives them: at the document, or at the element.
HEARD = """
globalThis.heard = [];
globalThis.errors = [];
addEventListener('error', ({ detail, target }) => {
  if (target.localName === 'live-agent') errors.push({ code: detail.code });
}, { capture: true });
const TYPES = [
  'state', 'transcript', 'resumed', 'rebuilt', 'tool', 'sources', 'usage', 'rating', 'toggle',
  'error',
];
for (const type of TYPES) {
  document.addEventListener(type, ({ detail, target }) => {
    if (target.localName === 'live-agent') heard.push({ type, detail });
  });
}
"""

# The focused part of the widget, or element of the page.
FOCUSED = """(() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused?.getAttribute('part') ?? focused?.localName;
})()"""


class Caller(Visitor):
    """A visitor who sees the widget and the page around it."""

    def arrive(self) -> None:
        self.page.add_init_script(HEARD)
        super().arrive()

    @property
    def widget(self) -> Locator:
        return self.page.locator("live-agent").first

    def open_widget(self) -> None:
        """Open the widget by its button and wait for the panel."""
        self.button("Talk to us").click()
        self.page.locator(".panel:visible").wait_for()

    def type_only(self) -> None:
        self.say("Hello")
        self.becomes("live")

    def hang_up(self) -> None:
        self.button("End").click()
        self.becomes("closed")

    def becomes(self, state: str) -> None:
        awaited = self.page.locator(f".frame[data-state={state}]")
        awaited.or_(self.page.locator("[role=alert]:visible")).first.wait_for()
        assert awaited.count() == 1, self.page.locator(".panel").inner_text()

    def reads_status(self, text: str) -> None:
        self.page.locator(".status", has_text=text).wait_for()

    def focuses(self, part: str) -> None:
        """Wait until this part of the widget has the focus."""
        self.until(f"({FOCUSED}) === '{part}'")

    def tab_to(self, part: str, *, back: bool = False) -> None:
        """Press Tab until this part has the focus."""
        passed = []
        for _ in range(20):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            passed.append(self.page.evaluate(FOCUSED))
            if passed[-1] == part:
                return
        pytest.fail(f"Tab reaches {passed}, not {part}")

    def until_true(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition that the page cannot see, checking on every frame."""
        for _ in range(60 * 60):
            if condition():
                return
            self.page.evaluate("() => new Promise(requestAnimationFrame)")
        pytest.fail("The condition did not become true")

    def errors(self) -> list[dict[str, object]]:
        """The errors that the first widget reported to its host."""
        return self.page.evaluate("errors")

    def reads(self, text: str) -> None:
        self.page.locator(".log > *", has_text=text).first.wait_for()

    @property
    def transcript(self) -> list[str]:
        return self.page.locator(".log > *").all_text_contents()

    def heard(self, kind: str) -> list[dict[str, object]]:
        """The details of the events of this type that the page received."""
        return self.page.evaluate(
            "(kind) => heard.filter(({ type }) => type === kind).map(({ detail }) => detail)", kind
        )
