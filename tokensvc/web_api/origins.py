"""Which other sites' pages may call, and which hosts and addresses are believed."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from flask_cors import CORS

from tokensvc.config.environment import is_loopback
from tokensvc.errors import InvalidHost, OriginNotAllowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokensvc.config.file import Http

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SHARED = ("/token", "/lease/end", "/profiles")  # what the pages of other sites may call
_PROBED = ("/livez", "/readyz")  # asked by address; there is nothing in them to steal
_EXPOSED = ["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"]
_PREFLIGHT_LIFE = 7200  # seconds: the most that Chromium honours


def install(app: Flask, http: Http) -> None:
    """Let the pages of `http.origins` call the API, and no others; answer for our own host only."""

    def refuse_other_hosts() -> None:
        if request.path not in _PROBED and not _is_for_us(http):
            raise InvalidHost(cause="a foreign Host header, or none")

    def refuse_other_origins() -> None:
        origin = request.headers.get("Origin")
        if request.method != "POST" or origin is None:
            return
        if origin in http.origins and request.path in _SHARED:
            return
        if origin != (http.public_url or request.host_url.rstrip("/")):
            raise OriginNotAllowed(cause="an Origin that is not listed")

    def vary(response: Response) -> Response:
        response.vary.add("Origin")
        return response

    def find_address() -> None:
        g.client_address = believed_address(
            request.remote_addr or "127.0.0.1",
            request.headers.getlist("X-Forwarded-For"),
            http.trusted_proxies,
        )

    app.before_request(find_address)
    app.before_request(refuse_other_hosts)
    app.before_request(refuse_other_origins)
    app.after_request(vary)
    CORS(
        app,
        # Patterns of our own: Flask-CORS takes an origin with brackets for one, and ignores case.
        resources={
            re.compile("|".join(map(_exactly, _SHARED))): {
                "origins": [re.compile(_exactly(origin)) for origin in http.origins]
            }
        },
        methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=_EXPOSED,
        max_age=_PREFLIGHT_LIFE,
        send_wildcard=False,
        always_send=False,
    )


def _is_for_us(http: Http) -> bool:
    """Whether the request names our public host, or this machine.

    Without a public_url we serve this machine alone: another name is a page that rebinds it.
    """
    if "Host" not in request.headers:
        return False  # where Werkzeug takes the name of the socket's own side
    host = urlsplit(f"//{request.host}").hostname or ""
    ours = urlsplit(http.public_url).hostname if http.public_url else None
    return host == ours or is_loopback(host)


def require_origin_header() -> None:
    """Refuse who does not say which page asks; of those that do, only our own have come so far.

    Raises:
        OriginNotAllowed: for a request without an `Origin`.
    """
    if "Origin" not in request.headers:
        raise OriginNotAllowed(cause="no Origin")


def _exactly(text: str) -> str:
    return rf"^{re.escape(text)}\Z"


def client_address() -> str:
    """The address of the client, past the proxies that we trust."""
    address: str = g.client_address
    return address


def believed_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Walk back from *peer* along what was *forwarded*, as far as trusted proxies vouch for it.

    Whoever is not trusted, or no address, ends the walk: what stands before it anybody could have
    written.
    """
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    believed = _address(peer) or ipaddress.ip_address("127.0.0.1")
    while hops and any(believed in network for network in trusted):
        hop = _address(hops.pop())
        if hop is None:
            break
        believed = hop
    return str(believed)


def _address(text: str) -> Address | None:
    """An address as proxies write it: plain, in brackets, or with a port."""
    if match := re.fullmatch(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+", text):
        text = match[1] or match[2]
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed
