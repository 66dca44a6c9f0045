"""The page that docs/client.md shows, on a site of its own with a strict policy."""

from __future__ import annotations

import http.server
import re
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser.conftest import CONFIGURATION
from browser.talking import ended_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from browser.visitor import Visitor
    from programs import Program

DOCUMENT = Path(__file__).parents[2] / "docs" / "client.md"


class StrictSite(http.server.SimpleHTTPRequestHandler):
    """Serves a folder with the policy that the document asks for."""

    policy = ""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.server.policy)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing: the output belongs to the tests."""


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Iterator[http.server.ThreadingHTTPServer]:
    """A third-party site."""
    site = partial(StrictSite, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), site) as server:
        server.folder = tmp_path
        server.origin = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_documented_page_works_as_printed(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    emulator: Program,
    site: http.server.ThreadingHTTPServer,
) -> None:
    """With the service's address in place of the example's."""
    origins = f'\n[http]\norigins = ["{site.origin}"]\n'
    service = start_service(CONFIGURATION + origins, emulator.url)
    page, script = re.findall(r"```(?:html|js)\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[:2]
    assert "https://voice.example" in script
    (site.folder / "index.html").write_text(page)
    (site.folder / "talk.js").write_text(script.replace("https://voice.example", service.url))
    socket = emulator.url.replace("http", "ws", 1)
    site.policy = (
        f"default-src 'none'; script-src 'self' {service.url}; "
        f"connect-src {service.url} {socket}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )

    visitor = visit(f"{site.origin}/", awaits="#talk")
    visitor.arrive()
    visitor.button("Talk").click()
    visitor.page.get_by_text("live", exact=True).wait_for()
    visitor.until("opened.sockets[0].readyState === WebSocket.OPEN")
    visitor.button("Talk").click()
    visitor.page.get_by_text("closed", exact=True).wait_for()
    assert visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    assert visitor.violations == []
    session = ended_session(emulator)
    assert session["handshake"]["origin"] == site.origin
