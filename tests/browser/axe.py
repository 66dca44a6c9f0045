"""What axe has to say about a page, open shadow roots included."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"


def faults(page: Page, *, within: str = "html", contrast: bool = True) -> list[str]:
    """Each fault that axe finds *within*, as its rule, the element and why.

    In forced colours axe reports contrasts that nobody sees: leave them to who looks at the
    computed colours.
    """
    # As an expression: a script element of ours is what a strict policy refuses.
    page.evaluate(AXE.read_text(encoding="utf-8") + ";0")
    options = {"rules": {"color-contrast": {"enabled": contrast}}, "resultTypes": ["violations"]}
    found = page.evaluate(
        "([within, options]) => axe.run(document.querySelector(within), options)", [within, options]
    )
    return [
        f"{violation['id']}: {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
