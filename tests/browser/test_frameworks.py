"""The components in docs/client.md, compiled and run by the frameworks themselves."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser.conftest import open_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

pytestmark = pytest.mark.frameworks

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "client.md"


@pytest.fixture(name="greeter", scope="module")
def _greeter(start_service: Callable[..., Program], emulator: Program, site: Site) -> Program:
    """A service whose model speaks first."""
    greeted = 'greeting = "Good morning"\n[profiles.default.config]'
    configuration = open_to(site).replace("[profiles.default.config]", greeted, 1)
    return start_service(configuration, emulator.url)


@pytest.fixture(name="page", params=["jsx", "vue", "svelte"])
def _page(request: pytest.FixtureRequest, greeter: Program, site: Site, tmp_path: Path) -> str:
    """A page with only the component on it."""
    fence = rf"^```{request.param}\n(.*?)^```"
    (component,) = re.findall(fence, DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    assert "https://voice.example" in component
    source, script = tmp_path / f"Talk.{request.param}", tmp_path / "talk.js"
    source.write_text(component.replace("https://voice.example", greeter.url))
    subprocess.run(["node", HERE / "bundle.mjs", source, script], check=True)
    javascript = {"Content-Type": "text/javascript"}
    address = site.publish(script.read_text(), headers=javascript, whole=True)
    return site.publish(f'<div id="app"></div><script type="module" src="{address}"></script>')


def test_documented_component_works(visit: Callable[..., Visitor], emulator: Program, page: str) -> None:
    """It mounts, talks, hangs up, talks again, and leaves nothing when unmounted."""
    minted = emulator.get("/emulator/mints").json["minted"]
    visitor = visit(page, awaits="#app button")
    visitor.arrive()
    visitor.button("Talk").click()
    visitor.page.get_by_text("live", exact=True).wait_for()
    visitor.page.locator("li", has_text="agent: ").wait_for()
    assert visitor.page.evaluate("opened.sockets.length") == 1
    assert emulator.get("/emulator/mints").json["minted"] == minted + 1

    visitor.button("End").click()
    visitor.page.get_by_text("closed", exact=True).wait_for()
    visitor.button("Talk").click()
    visitor.button("End").wait_for()
    visitor.page.evaluate("dispatchEvent(new Event('leave'))")
    visitor.page.wait_for_selector("#app button", state="detached")
    assert visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    assert visitor.page_errors == []
