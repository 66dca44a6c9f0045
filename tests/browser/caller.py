"""A person on somebody else's site, who uses the widget there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

# Keeps what the widget tells its host, as the host hears it: at the document, or at the element.
HEARD = """
globalThis.heard = [];
globalThis.errors = [];
addEventListener('error', ({ detail, target }) => {
  if (target.localName === 'live-agent') errors.push({ code: detail.code });
}, { capture: true });
const TYPES = ['state', 'transcript', 'tool', 'sources', 'usage', 'rating', 'toggle', 'error'];
for (const type of TYPES) {
  document.addEventListener(type, ({ detail, target }) => {
    if (target.localName === 'live-agent') heard.push({ type, detail });
  });
}
"""

# The part of the widget, or the element of the page, that has the focus.
FOCUSED = """(() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused?.getAttribute('part') ?? focused?.localName;
})()"""


class Caller(Visitor):
    """Somebody who sees the widget, and what is around it."""

    def arrive(self) -> None:
        self.page.add_init_script(HEARD)
        super().arrive()

    @property
    def widget(self) -> Locator:
        return self.page.locator("live-agent").first

    def reach(self) -> None:
        """Press what is there at first, and wait for the rest."""
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
        """Wait until the focus is on this part of the widget."""
        self.until(f"({FOCUSED}) === '{part}'")

    def tab_to(self, part: str, *, back: bool = False) -> None:
        """Press Tab until the focus is there; what has it is always to be seen."""
        passed = []
        for _ in range(20):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            passed.append(self.page.evaluate(FOCUSED))
            if passed[-1] == part:
                return
        pytest.fail(f"Tab leads to {passed}, and not to {part}")

    def until_true(self, condition: Callable[[], bool]) -> None:
        """Wait for what the page cannot see, looking each time the page draws."""
        for _ in range(60 * 60):
            if condition():
                return
            self.page.evaluate("() => new Promise(requestAnimationFrame)")
        pytest.fail("It has not come true")

    def errors(self) -> list[dict[str, object]]:
        """The errors that the first widget told its host."""
        return self.page.evaluate("errors")

    def reads(self, text: str) -> None:
        self.page.locator(".log > *", has_text=text).first.wait_for()

    @property
    def transcript(self) -> list[str]:
        return self.page.locator(".log > *").all_text_contents()

    def heard(self, kind: str) -> list[dict[str, object]]:
        """The details of the events of this type that the page heard."""
        return self.page.evaluate(
            "(kind) => heard.filter(({ type }) => type === kind).map(({ detail }) => detail)", kind
        )
