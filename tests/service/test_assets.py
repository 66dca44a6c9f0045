"""The page's files: as they are written, compressed, revalidated, and no file besides."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from service.raw import exchange, request

WEB = Path(__file__).parents[2] / "web"
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
SERVED = sorted(path.relative_to(WEB).as_posix() for path in WEB.rglob("*") if path.suffix in TYPES)
ADDRESSES = ["/" if name == "index.html" else f"/{name}" for name in SERVED]


@pytest.mark.parametrize("name", SERVED)
def test_a_file(shop, name):
    """Each file is served byte for byte as it is written, with its type."""
    answer = shop.get("/" if name == "index.html" else f"/{name}")
    assert answer.status == 200
    assert answer.body == (WEB / name).read_bytes()
    assert answer.headers["content-type"] == f"{TYPES[Path(name).suffix]}; charset=utf-8"
    assert "accept-encoding" in answer.headers["vary"].lower()


def test_all_that_the_page_needs(shop):
    """Whatever the page and its modules name is served: nothing is missing, nothing from afar."""
    waiting, seen = ["/"], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = shop.get(address)
        assert answer.status == 200, address
        named = re.findall(
            r"""(?:\b(?:src|href)=|\bfrom\s+|\bimport[\s(]+|new URL\((?=[^)]*[.]js))"""
            r"""["']([^"'#?]+)["']""",
            answer.body.decode(),
        )
        for found in named:
            assert not urlsplit(found).netloc, f"{address} takes {found} from elsewhere"
            waiting.append(urljoin(address, found))
    assert {"/", "/app.js", "/app.css", "/live/session.js"} <= seen


@pytest.mark.parametrize("address", ["/", "/app.js"])
def test_a_file_that_the_browser_has(shop, address):
    """An unchanged file is told by 304 with no body, in each of its encodings."""
    tags = set()
    for encoding in ("gzip", "identity"):
        asked = {"Accept-Encoding": encoding}
        first = shop.get(address, headers=asked)
        tag = first.headers["etag"]
        tags.add(tag)
        again = shop.get(address, headers=asked | {"If-None-Match": tag})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == tag
        assert "no-cache" in again.headers["cache-control"]
        other = shop.get(address, headers=asked | {"If-None-Match": '"another"'})
        assert (other.status, other.body) == (200, first.body)
    assert len(tags) == 2  # one for each encoding (RFC 9110, section 8.8.3.3)


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("br", False),
        ("", False),
    ],
)
def test_compression(shop, accepted, compressed):
    """A file is compressed for who takes that, and only then."""
    answer = shop.get("/app.js", headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding") == "gzip") is compressed
    content = gzip.decompress(answer.body) if compressed else answer.body
    assert content == (WEB / "app.js").read_bytes()


NOT_SERVED = [
    "/package.json",
    "/tsconfig.json",
    "/tsconfig.worklet.json",
    "/live/worklet-scope.d.ts",
    "/../pyproject.toml",
    "/live/../../pyproject.toml",
    "/live/../../../../../../../../etc/passwd",
    "/%2e%2e/pyproject.toml",
    "/live/%2e%2e/%2e%2e/pyproject.toml",
    "/live/..%2f..%2fpyproject.toml",
    "/live/..%5c..%5cpyproject.toml",
    "/live/..%c0%af..%c0%afpyproject.toml",
    "/app.js/",
    "/app.js%00.html",
    "/app.js%20",
    "/APP.JS",
    "/index.html~",
    "/live",
    "/live/",
    "/node_modules/typescript/package.json",
    "/etc/passwd",
    "/tokensvc.db",
    "/compiled",
]


@pytest.mark.parametrize("path", NOT_SERVED)
def test_a_file_that_is_not_for_browsers(shop, path):
    """Only the page's own files are there, however the path is spelled."""
    answer = exchange(shop.url, request("GET", path))
    assert (answer.status, answer.code) == (404, "not-found")


def test_no_file_of_the_tools_is_served(shop):
    """Whatever else lies in web/ for the tools stays there."""
    for path in WEB.rglob("*"):
        name = path.relative_to(WEB).as_posix()
        if path.is_file() and name not in SERVED:
            assert shop.get(f"/{name}").status == 404, name


@pytest.mark.parametrize("path", ["//evil.test", "//evil.test/app.js", "///app.js", "/\\evil.test"])
def test_a_path_that_looks_like_a_host(shop, path):
    """No path makes us send a visitor to another host."""
    answer = exchange(shop.url, request("GET", path))
    assert answer.status in {200, 308, 400, 404}
    location = urlsplit(answer.headers.get("location", ""))
    assert location.netloc in {"", "127.0.0.1"}


def test_a_file_for_pages_of_other_sites(shop):
    """Modules and worklets are CORS fetches: any page may load them, none may send credentials."""
    answer = shop.get("/live/session.js", headers={"Origin": "https://anywhere.test"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-credentials" not in answer.headers
    page = shop.get("/", headers={"Origin": "https://anywhere.test"})
    assert "access-control-allow-origin" not in page.headers
