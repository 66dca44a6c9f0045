"""Somebody on a third-party site who uses the widget there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

# Records the widget's events as the host receives them: at the document, or at the element.
HEARD = """
globalThis.heard = [];
globalThis.errors = [];
addEventListener('live-agent-error', ({ detail: { code } }) => errors.push({ code }));
const TYPES = [
  'state', 'transcript', 'resumed', 'rebuilt', 'tool', 'sources', 'usage', 'rating', 'toggle',
  'error',
];
for (const type of TYPES) {
  document.addEventListener(`live-agent-${type}`, ({ detail }) => heard.push({ type, detail }));
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

    def open_widget(self) -> None:
        """Open the widget by its button and wait for the panel."""
        self.button("Talk to us").click()
        self.page.locator(".panel:visible").wait_for()

    def type_only(self) -> None:
        self.say("Hello")
        self.becomes("live")

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

    @property
    def transcript(self) -> list[str]:
        """The entries as a screen reader has them."""
        self.page.evaluate("new Promise(requestAnimationFrame)")  # the log is drawn once a frame
        return self.page.locator(".log > *").all_text_contents()

    def heard(self, kind: str) -> list[dict[str, object]]:
        """The details of the events of this type that the page received."""
        return self.page.evaluate(
            "(kind) => heard.filter(({ type }) => type === kind).map(({ detail }) => detail)", kind
        )
