"""Static files: compressed, cacheable, all from one release, and no other file is served."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from programs import OPEN_PROFILE
from system.raw import exchange, request

WEB = Path(__file__).parents[2] / "web"
NOT_SERVED = {"dist", "node_modules", "react", "types"}  # for the npm package alone, or npm's
NOT_SERVED |= {"package.json", "package-lock.json", "tsconfig.json", "tsconfig.worklet.json"}
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
PARTS = sorted(path.relative_to(WEB).as_posix() for path in WEB.rglob("*") if path.suffix in TYPES)
PARTS = [name for name in PARTS if not name.endswith(".html") and name.split("/")[0] not in NOT_SERVED]


@pytest.fixture(name="release", scope="session")
def _release(shop):
    """Return the path of the served release: `/assets/<digest>/`."""
    answer = shop.get("/widget.js")
    assert answer.status == 302
    return re.fullmatch(r"(/assets/[0-9a-f]{32}/)widget\.js", answer.headers["location"])[1]


def content(name: str) -> bytes:
    """Return the body expected for file *name*: a clone serves it as written."""
    return (WEB / name).read_bytes()


@pytest.mark.parametrize("name", PARTS)
def test_file_is_served_with_its_type_at_its_own_path_and_in_the_release(shop, release, name):
    for address in (f"/{name}", release + name):
        if address == "/widget.js":
            continue  # redirects to the release
        answer = shop.get(address)
        assert answer.status == 200
        assert answer.body == content(name)
        assert answer.headers["content-type"] == f"{TYPES[Path(name).suffix]}; charset=utf-8"
        assert "accept-encoding" in answer.headers["vary"].lower()


def test_everything_the_pages_reference_is_served_from_one_release(start_service, from_wheel):
    """The service runs from a wheel, whose files are minified."""
    service = start_service(OPEN_PROFILE, "http://127.0.0.1:1", **from_wheel)
    waiting, seen = ["/", "/embed"], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = service.get(address)
        assert answer.status == 200, address
        named = re.findall(
            r"""(?:\b(?:src|href)=|\bfrom\s*|\bimport[\s(]*|new URL\((?=[^)]*[.]js))"""
            r"""["']([^"'#?]+)["']""",
            answer.body.decode(),
        )
        for found in named:
            assert not urlsplit(found).netloc, f"{address} loads {found} from another host"
            waiting.append(urljoin(address, found))
    parts = seen - {"/", "/embed"}
    digests = {address.split("/")[2] for address in parts}
    assert len(digests) == 1, "the pages load files of more than one release"
    named = {address.split("/", 3)[3] for address in parts}
    assert {"app.js", "app.css", "icon.svg", "live/session.js", "embed/doctor.js"} <= named


@pytest.mark.parametrize("address", ["/", "/app.js"])
def test_unchanged_file_is_answered_with_304_and_no_body_in_each_encoding(shop, address):
    tags = set()
    for encoding in ("gzip", "identity"):
        headers = {"Accept-Encoding": encoding}
        first = shop.get(address, headers=headers)
        tag = first.headers["etag"]
        tags.add(tag)
        again = shop.get(address, headers=headers | {"If-None-Match": tag})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == tag
        assert "no-cache" in again.headers["cache-control"]
        other = shop.get(address, headers=headers | {"If-None-Match": '"another"'})
        assert (other.status, other.body) == (200, first.body)
    assert len(tags) == 2  # one for each encoding (RFC 9110, section 8.8.3.3)


def test_failed_precondition_is_an_invalid_request(shop):
    answer = shop.get("/app.js", headers={"If-Match": '"another"'})
    assert (answer.status, answer.code) == (400, "invalid-request")


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
def test_file_is_gzipped_only_for_clients_that_accept_gzip(shop, accepted, compressed):
    answer = shop.get("/app.js", headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding") == "gzip") is compressed
    sent = gzip.decompress(answer.body) if compressed else answer.body
    assert sent == content("app.js")


NOT_SERVED = [
    "/package.json",
    "/tsconfig.json",
    "/tsconfig.worklet.json",
    "/live/media/worklet-scope.d.ts",
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
    "/index.html",
    "/index.html~",
    "/live",
    "/live/",
    "/node_modules/typescript/package.json",
    "/etc/passwd",
    "/tokensvc.db",
    "/compiled",
]


@pytest.mark.parametrize("path", NOT_SERVED)
def test_path_that_names_no_file_of_the_pages_is_not_found(shop, path):
    answer = exchange(shop.url, request("GET", path))
    assert (answer.status, answer.code) == (404, "not-found")


def test_files_for_development_tools_are_not_served(shop, release):
    for path in WEB.rglob("*"):
        name = path.relative_to(WEB).as_posix()
        if path.is_file() and name not in PARTS:
            assert shop.get(f"/{name}").status == 404, name
            assert shop.get(f"{release}{name}").status == 404, name


ELSEWHERE = [
    "//evil.test",
    "//evil.test/app.js",
    "///app.js",
    "///evil.test",
    "////evil.test//",
    "/\\evil.test",
    "\\\\evil.test",
    "/\\/evil.test",
    "//\\evil.test",
    "/%2fevil.test",
    "/%2f%2fevil.test",
    "/%5cevil.test",
    "/%5c%5cevil.test",
    "%2f%2fevil.test",
    "/%252f%252fevil.test",
    "/%09/evil.test",
    "/%0a/evil.test",
    "/%0d%0aLocation:%20https://evil.test",
    "/%00//evil.test",
    "/.//evil.test",
    "/..//evil.test",
    "/%2e%2e//evil.test",
    "/;@evil.test",
    "/@evil.test",
    "//app@evil.test",
    "//127.0.0.1@evil.test",
    "//evil.test%2523",
    "//evil%E3%80%82test",
    "//%65vil.test",
    "//[::ffff:6.6.6.6]",
    "//0x06060606",
    "/https:evil.test",
    "/https:/evil.test",
    "/https://evil.test",
    "/http:%5c%5cevil.test",
    "/javascript:alert(1)",
    "?next=//evil.test",
    "?url=https://evil.test&return_to=https://evil.test&redirect_uri=https://evil.test&continue=https://evil.test",
    "#//evil.test",
    ".evil.test",
]
# The current widget; and our own host, if a request names no path.
REDIRECTED = r"/assets/[0-9a-f]{32}/widget\.js|http://127\.0\.0\.1/([?].*)?"


@pytest.mark.parametrize("path", ELSEWHERE)
def test_path_that_looks_like_a_host_does_not_redirect_there(shop, path):
    """Nor does it after a path that exists, nor a header that names a host."""
    headers = [f"{name}: evil.test" for name in ("X-Forwarded-Host", "X-Original-URL", "X-Forwarded-Prefix", "Referer")]
    for before in ("", "/", "/embed", "/widget.js", "/live/session.js", "/assets/0/app.js", "http://evil.test"):
        answer = exchange(shop.url, request("GET", before + path, *headers))
        assert answer.status in {200, 302, 308, 400, 404}, before
        location = answer.headers.get("location")
        assert location is None or re.fullmatch(REDIRECTED, location), before


def test_file_of_a_release_is_cached_forever(shop, release):
    for name in ("live/session.js", "app.css"):
        assert shop.get(release + name).headers["cache-control"] == ("public, max-age=31536000, immutable")


@pytest.mark.parametrize("digest", ["0" * 32, "", "latest", "..", "%2e%2e", "a" * 5000])
def test_unknown_release_is_refused_and_not_cached(shop, digest):
    """A browser must not mix the files of two releases."""
    answer = exchange(shop.url, request("GET", f"/assets/{digest}/live/session.js"))
    assert answer.status in {404, 308, 431}
    if len(digest) == 32:
        assert (answer.status, answer.code) == (404, "not-found")
        assert "different release" in answer.json["detail"]
        assert answer.headers["cache-control"] == "no-store"


def test_widget_redirects_to_the_current_release_and_is_cached_for_a_minute(shop, release):
    answer = shop.get("/widget.js", headers={"Origin": "https://anywhere.test"})
    assert (answer.status, answer.body) == (302, b"")
    assert answer.headers["location"] == f"{release}widget.js"
    assert answer.headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/live/session.js"),
        ("GET", "/widget.js"),
        ("GET", "{release}no"),
        ("GET", "/assets/0/a.js"),
        *((method, "{release}live/session.js") for method in ("GET", "HEAD", "POST", "OPTIONS")),
    ],
)
def test_assets_can_be_loaded_from_any_origin_without_credentials(shop, release, method, path):
    """Browsers load modules and worklets with CORS requests."""
    answer = exchange(shop.url, request(method, path.format(release=release), "Origin: https://anywhere.test"))
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/livez", "/assets", "/widget.jsx", "/nothing"])
def test_other_paths_cannot_be_read_from_another_origin(shop, path):
    answer = shop.get(path, headers={"Origin": "https://anywhere.test"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_embed_json_names_the_origins_for_an_embedding_sites_policy(shop, google):
    answer = shop.get("/embed.json")
    assert answer.json == {"service": shop.url, "websocket": google.url.replace("http", "ws")}
    assert answer.headers["cache-control"] == "no-store"
