"""Runs axe on a page, including its open shadow roots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"


def faults(page: Page, *, within: str = "html", contrast: bool = True) -> list[str]:
    """List each violation that axe finds *within*: its rule, the element and why.

    Under forced colors axe reports contrasts that nobody sees: skip them there, and check the
    computed colors instead.
    """
    # Evaluated, because a strict policy would block a script element.
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    options = {"rules": {"color-contrast": {"enabled": contrast}}, "resultTypes": ["violations"]}
    found = page.evaluate("([within, options]) => axe.run(document.querySelector(within), options)", [within, options])
    return [
        f"{violation['id']}: {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
