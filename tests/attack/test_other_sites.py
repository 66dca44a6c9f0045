"""T3. What pages of other sites can do: 180 cells of CORS, and the forms and cookies of CSRF.

tests/system/test_hosts_and_origins.py has further origins, and the Host header.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import pytest

from attack.conftest import INTERNATIONAL, TARGET, TOOLS
from attack.contract import POSTS
from programs import service_environment, serving, share_compiled_profiles
from system import site
from system.configurations import ORIGIN
from system.raw import exchange, request

if TYPE_CHECKING:
    from programs import Answer

pytestmark = pytest.mark.system


def utf8(origin: str) -> str:
    """Return *origin* as `request` has to be given it to send it in UTF-8."""
    return origin.encode().decode("latin-1")


SENT = {
    "listed": [ORIGIN],
    "international": ["https://xn--bcher-kva.example"],  # as browsers send INTERNATIONAL
    "international in letters": [utf8(INTERNATIONAL)],
    "international in Latin-1": [INTERNATIONAL],
    "any port": ["http://localhost:3000"],  # of this machine
    "no port": ["http://localhost"],
    "more than a port": ["http://localhost:3000.evil.test"],
    "long port": ["http://localhost:300000"],
    "no number for a port": ["http://localhost:*"],
    "other scheme": ["http://app.example.com"],
    "other port": ["https://app.example.com:8443"],
    "upper case": ["https://APP.example.com"],
    "trailing dot": ["https://app.example.com."],
    "trailing slash": [f"{ORIGIN}/"],
    "subdomain": ["https://a.app.example.com"],
    "prefixed": ["https://evil-app.example.com"],
    "suffixed": [f"{ORIGIN}.evil.test"],
    "null": ["null"],
    "none": [],
    "lookalike": [utf8("https://\u0430pp.example.com")],  # a Cyrillic letter
    "Punycode of a lookalike": ["https://xn--pp-6kc.example.com"],  # the same
    "full-width letter": [utf8("https://\uff41pp.example.com")],  # which IDNA takes for an “a”
    "another character for a dot": ["https://app-example.com"],
    "pattern": ["https://.*"],
    "pattern of the listed one": [r"https://app\.example\.com"],
    "anchored": [f"^{ORIGIN}$"],
    "alternatives": [f"{ORIGIN}|https://evil.test"],
    "any port of the listed one": [f"{ORIGIN}:*"],
    "8 KB": ["https://" + "a" * 8000 + ".example.com"],
    "two": [ORIGIN, "https://evil.test"],
}
LISTED = {"listed", "international", "any port", "no port"}
KINDS = ["preflight", "with a credential", "without one"]
PREFLIGHT = [
    "Access-Control-Request-Method: POST",
    "Access-Control-Request-Headers: authorization, content-type, x-evil",
]


@dataclass
class Site:
    """A service as its visitors reach it."""

    url: str
    host: str
    path: str

    def send(self, method: str, path: str, *headers: str, body: bytes = b"") -> Answer:
        return exchange(self.url, request(method, self.path + path, *headers, body=body, host=self.host))


@pytest.fixture(name="reached", scope="module", params=["on this machine", "below a public URL"])
def _reached(request, target, tmp_path_factory):
    if request.param == "on this machine":
        yield Site(target.program.url, "127.0.0.1", "")
        return
    folder = tmp_path_factory.mktemp("public")
    public = TARGET.replace("[http]", '[http]\npublic_url = "https://tokens.example.com/voice"')
    environment = service_environment(folder, public, target.google.url, SHOP_SECRET=site.SECRET, PYTHONPATH=TOOLS)
    share_compiled_profiles(folder)
    with serving(environment, workers=1) as program:
        yield Site(program.url, "tokens.example.com", "/voice")


@pytest.mark.parametrize(("name", "kind"), [pytest.param(*each, id=" ".join(each)) for each in product(SENT, KINDS)])
def test_only_listed_origin_may_read_and_only_it_and_no_page_may_mint(reached, target, name, kind):
    minted = len(target.google.minted)
    headers = [f"Origin: {origin}" for origin in SENT[name]]
    if kind == "with a credential":
        headers.append(f"Authorization: Bearer {target.jwt}")
    answer = reached.send(*(("OPTIONS", "/token", *PREFLIGHT) if kind == "preflight" else ("POST", "/token")), *headers)
    cors = {n: v for n, v in answer.headers.items() if n.startswith("access-control-")}
    assert "origin" in answer.headers["vary"].lower()
    assert cors.get("access-control-allow-origin") == (SENT[name][0] if name in LISTED else None)
    assert "access-control-allow-credentials" not in cors
    if kind == "preflight":
        assert answer.status == 200
        assert "x-evil" not in str(cors).lower()
        if name in LISTED:
            assert 0 < int(cors["access-control-max-age"]) <= 7200
        assert len(target.google.minted) == minted
    elif name in {*LISTED, "none"}:
        assert answer.status == 200
        assert len(target.google.minted) == minted + 1
    else:
        assert (answer.status, answer.code) == (403, "origin-not-allowed")
        assert not cors
        assert len(target.google.minted) == minted


ADDRESS = "127.0.5.3"  # whose attempts to log in are counted


@pytest.fixture(name="cookie", scope="module")
def _cookie(target):
    return target.sign_in(ADDRESS).headers["set-cookie"].split(";")[0]


FORMS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
JSON = "Content-Type: application/json"


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("declared", FORMS)
def test_form_is_refused_even_from_our_own_page(target, cookie, path, declared):
    url, minted = target.program.url, len(target.google.minted)
    headers = [f"Origin: {url}", f"Cookie: {cookie}", f"Content-Type: {declared}"]
    content = request("POST", path, *headers, body=b"{}", host=url.removeprefix("http://"))
    answer = exchange(url, content)
    assert (answer.status, answer.code) == (415, "unsupported-media-type")
    assert len(target.google.minted) == minted


@pytest.mark.parametrize("path", ["/login/refresh", "/login/end"])
@pytest.mark.parametrize(
    "origin",
    [
        [],
        ["Origin: null"],
        [f"Origin: {ORIGIN}"],
        ["Origin: https://evil.test", "Sec-Fetch-Site: cross-site"],
        ["Sec-Fetch-Site: cross-site"],
    ],
)
def test_cookie_is_of_no_use_to_another_site(target, cookie, path, origin):
    """The login is still there afterwards, with the same cookie."""
    url = target.program.url
    host = url.removeprefix("http://")
    refused = request("POST", path, *origin, f"Cookie: {cookie}", JSON, body=b"{}", host=host)
    answer = exchange(url, refused, source=ADDRESS)
    assert (answer.status, answer.code) == (403, "origin-not-allowed")
    assert "set-cookie" not in answer.headers
    own = request("POST", "/login/refresh", f"Origin: {url}", f"Cookie: {cookie}", JSON, body=b"{}", host=host)
    assert exchange(url, own, source=ADDRESS).status == 200
