"""A third-party site: pages that embed the widget, on an origin of their own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>Somebody's site</title>
<link rel="icon" href="data:,">
</head>
<body>
<main>
<h1>Somebody's site</h1>
<p>It has a text, and a <a href="#link">link</a>.</p>
<p><label>Search <input id="search"></label></p>
</main>
%s
</body>
</html>
"""


class Site:
    """The pages of the site by path: HTML and response headers."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Browsers request it on every site, and would log a 404 as an error.
        self._pages: dict[str, tuple[str, dict[str, str]]] = {"/favicon.ico": ("", {})}

    def publish(self, body: str, *, headers: dict[str, str] | None = None, whole: bool = False) -> str:
        """Publish a page that contains *body* (or is *body*) and return its address."""
        path = f"/page-{len(self._pages)}.html"
        self._pages[path] = (body if whole else PAGE % body, headers or {})
        return self.url + path

    def answer(self, path: str) -> tuple[str, dict[str, str]] | None:
        return self._pages.get(path)


@contextmanager
def hosting() -> Iterator[Site]:
    """Serve the site on a local port while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = site.answer(self.path.split("?")[0])
            self.send_response(404 if page is None else 200)
            content, headers = page or ("", {})
            sent = content.encode()
            for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        site = Site(url)
        yield site


@contextmanager
def hosting_folder(folder: Path, port: int, policy: str) -> Iterator[None]:
    """Serve the files in *folder* with this Content Security Policy while the context lasts."""

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, directory=folder))
    with _serving(server):
        yield


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[str]:
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
