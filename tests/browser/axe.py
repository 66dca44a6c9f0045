"""Runs axe on a page, including its open shadow roots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
COLORS = ["color-contrast", "link-in-text-block"]  # the rules to which another color scheme can make a difference
STILL = """async () => {
  const moves = () => document.getAnimations().some(({ playState }) => playState === 'running');
  while (moves()) await new Promise(requestAnimationFrame);
}"""


def faults_in_either_scheme(page: Page, *, within: str = "html") -> list[str]:
    """List what axe finds in light mode, and what it finds *within* in dark mode."""
    in_colors(page, color_scheme="light")
    light = faults(page)
    in_colors(page, color_scheme="dark")
    return light + [f"dark: {fault}" for fault in faults(page, within=within, only=COLORS)]


def in_colors(page: Page, **media: str) -> None:
    """Show the page in these colors, and wait until it does."""
    page.emulate_media(**media)
    page.evaluate(STILL)


def faults(page: Page, *, within: str = "html", contrast: bool = True, only: list[str] | None = None) -> list[str]:
    """List each violation that axe finds *within*, by *only* these rules: the rule, the element and why.

    Under forced colors axe reports contrasts that nobody sees: skip them there, and check the
    computed colors instead.
    """
    # Evaluated, because a strict policy would block a script element.
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    options = {"rules": {"color-contrast": {"enabled": contrast}}, "resultTypes": ["violations"]}
    if only is not None:
        options["runOnly"] = only
    found = page.evaluate("([within, options]) => axe.run(document.querySelector(within), options)", [within, options])
    return [
        f"{violation['id']}: {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
