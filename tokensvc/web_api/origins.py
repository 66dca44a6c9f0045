"""Checks hosts and origins, handles CORS, and determines the client's address."""

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

_SHARED = ("/token", "/lease/end", "/profiles")  # routes that pages of other sites may call
_PROBED = ("/livez", "/readyz")  # for any Host: probes may use an IP address
_EXPOSED = ["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"]
_PREFLIGHT_LIFE = 7200  # seconds: the most that Chromium accepts


def install(app: Flask, http: Http) -> None:
    """Let only our own pages and those of `http.origins` call the API; serve only our host."""

    def refuse_other_hosts() -> None:
        if request.path not in _PROBED and not _names_our_host(http):
            raise InvalidHost(cause="Host header missing or unknown")

    def refuse_other_origins() -> None:
        origin = request.headers.get("Origin")
        if request.method != "POST" or origin is None:
            return
        if origin in http.origins and request.path in _SHARED:
            return
        if origin != (http.public_url or request.host_url.rstrip("/")):
            raise OriginNotAllowed(cause="Origin is not listed")

    def vary(response: Response) -> Response:
        response.vary.add("Origin")
        return response

    def set_client_address() -> None:
        g.client_address = find_client_address(
            request.remote_addr or "127.0.0.1",  # a UNIX socket has none
            request.headers.getlist("X-Forwarded-For"),
            http.trusted_proxies,
        )

    app.before_request(set_client_address)
    app.before_request(refuse_other_hosts)
    app.before_request(refuse_other_origins)
    app.after_request(vary)
    CORS(
        app,
        # Escaped, since Flask-CORS would treat an IPv6 origin as a pattern, and ignores case.
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


def _names_our_host(http: Http) -> bool:
    """Return whether the Host header names our public host or this machine.

    Other names are refused even without a public_url, against DNS rebinding.
    """
    if "Host" not in request.headers:
        return False  # Werkzeug would use the name of the socket
    host = urlsplit(f"//{request.host}").hostname or ""
    ours = urlsplit(http.public_url).hostname if http.public_url else None
    return host == ours or is_loopback(host)


def require_origin_header() -> None:
    """Require an `Origin` header, whose value `install` has already checked.

    Raises:
        OriginNotAllowed: if there is none.
    """
    if "Origin" not in request.headers:
        raise OriginNotAllowed(cause="Origin is missing")


def _exactly(text: str) -> str:
    return rf"^{re.escape(text)}\Z"


def client_address() -> str:
    """Return the client's address, behind the proxies that we trust."""
    address: str = g.client_address
    return address


def find_client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return *peer*, or, if it is a trusted proxy, the client that it reports.

    *forwarded* are the X-Forwarded-For headers, read from their end past every trusted proxy.
    Anyone can forge what comes before that.
    """
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    address = _parse_address(peer) or ipaddress.ip_address("127.0.0.1")
    while hops and any(address in network for network in trusted):
        hop = _parse_address(hops.pop())
        if hop is None:
            break
        address = hop
    return str(address)


def _parse_address(text: str) -> Address | None:
    """Parse an address as proxies write it: plain, in brackets, or with a port."""
    if match := re.fullmatch(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+", text):
        text = match[1] or match[2]
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])  # without an IPv6 zone
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed
