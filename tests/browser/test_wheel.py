"""The wheel's minified modules, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from browser.conftest import CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser

    from programs import Program

WEB = Path(__file__).parents[2] / "web"
MODULES = sorted(
    path.relative_to(WEB).as_posix()
    for folder in ("embed", "live", "page", "widget")
    for path in (WEB / folder).rglob("*.js")
    if not path.stem.endswith("-worklet")  # runs in another scope, and exports nothing
)
EXPORTS = """async (names) => Object.fromEntries(await Promise.all(names.map(
  async (name) => [name, Object.keys(await import(new URL(name, document.baseURI)))])))"""

# Without custom properties, which are in no order, and where a background without a picture is.
STYLED = """[...document.querySelector('live-agent').shadowRoot.querySelectorAll('*')].map((element) => {
  const style = getComputedStyle(element);
  const names = [...style].filter((name) => !/^--|^background-position/.test(name));
  return [element.className, ...names.map((name) => `${name}: ${style.getPropertyValue(name)}`)];
})"""


def test_every_module_exports_and_styles_what_its_source_does(
    service: Program,
    start_service: Callable[..., Program],
    emulator: Program,
    from_wheel: dict[str, str],
    browser: Callable[..., Browser],
) -> None:
    """Under the same address: sites import some of them by name."""
    minified = start_service(CONFIGURATION, emulator.url, **from_wheel)
    exports, styles = [], []
    for program in (service, minified):
        page = browser().new_page()
        page.goto(program.url)
        exports.append(page.evaluate(EXPORTS, MODULES))
        page.get_by_role("button", name="Continue as guest").click()
        page.get_by_role("button", name="Settings").click()
        for part in (".options select", ".devices > *"):
            page.locator(part).first.wait_for()
        styles.append(page.evaluate(STYLED))
    assert exports[0] == exports[1]
    assert "LiveSession" in exports[1]["live/session.js"]
    assert styles[0] == styles[1]
    assert len(styles[0]) > 50
