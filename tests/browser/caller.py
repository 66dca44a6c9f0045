"""A person on somebody else's site, who uses the widget there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Locator

# Keeps what the widget tells its host, as the host hears it: at the document, or at the element.
HEARD = """
globalThis.heard = [];
const TYPES = ['state', 'transcript', 'tool', 'sources', 'usage', 'rating', 'toggle', 'error'];
for (const type of TYPES) {
  document.addEventListener(type, ({ detail, target }) => {
    if (target.localName === 'live-agent') heard.push({ type, detail });
  });
}
"""


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
        self.button("End conversation").click()
        self.becomes("closed")

    def becomes(self, state: str) -> None:
        awaited = self.page.locator(f".frame[data-state={state}]")
        awaited.or_(self.page.locator("[role=alert]:visible")).first.wait_for()
        assert awaited.count() == 1, self.page.locator(".panel").inner_text()

    def reads(self, text: str) -> None:
        self.page.locator(".log > *", has_text=text).first.wait_for()

    @property
    def transcript(self) -> list[str]:
        return self.page.locator(".log > *").all_inner_texts()

    def heard(self, kind: str) -> list[dict[str, object]]:
        """The details of the events of this type that the page heard."""
        return self.page.evaluate(
            "(kind) => heard.filter(({ type }) => type === kind).map(({ detail }) => detail)", kind
        )
