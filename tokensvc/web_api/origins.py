"""Checks hosts and origins, handles CORS, and determines the client's address."""

import ipaddress
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from flask_cors import CORS
from werkzeug import Request

from tokensvc import logs
from tokensvc.config.addresses import is_loopback
from tokensvc.config.file import Http
from tokensvc.errors import InvalidHost, OriginNotAllowed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Routes that pages of other sites may call.
SHARED = ("/token", "/lease/end", "/profiles", "/tool", "/tool/confirm", "/tool/cancel")
SIGNED_IN = "tokensvc.signed_in"  # in a request's WSGI environment: the principal that the mounting site names
PROBED = ("/livez", "/readyz")  # for any Host: probes may use an IP address
_EXPOSED = ["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"]
_PREFLIGHT_LIFE = 7200  # seconds: the most that Chromium accepts


class Origins:
    """Decides which hosts and origins may call us, and behind trusted proxies, which address a request comes from."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._shared = _patterns(http)
        self._our_host = urlsplit(http.public_url).hostname if http.public_url else None

    def check(self, request: Request) -> str:
        """Check the Host and Origin headers; return the client's address, and note it for the log.

        Who is signed in to the site that mounts us counts for requests of its own pages only:
        browsers send its cookie with those of others, too.

        Raises:
            InvalidHost: if the Host is neither ours nor this machine's.
            OriginNotAllowed: if it is a POST from another site that may not call this route, or one
                that does not say where it comes from though somebody is signed in.
        """
        address = find_client_address(
            request.environ.get("REMOTE_ADDR") or "127.0.0.1",  # a UNIX socket has none
            request.headers.getlist("X-Forwarded-For"),
            self._http.trusted_proxies,
        )
        logs.note(address=address)
        if request.path not in PROBED and not self._names_our_host(request):
            raise InvalidHost(cause="Host header missing or unknown")
        origin = request.headers.get("Origin")
        if origin is None:
            if request.method == "POST" and SIGNED_IN in request.environ:
                raise OriginNotAllowed(cause="Origin is missing")
        elif origin != (self._http.public_origin or request.host_url.rstrip("/")):
            if request.method == "POST" and not self.shares(request.path, origin):
                raise OriginNotAllowed(cause="Origin is not listed")
            request.environ.pop(SIGNED_IN, None)
        return address

    def shares(self, path: str, origin: str) -> bool:
        """Return whether pages of *origin*, another site, may call the route at *path*."""
        return path in SHARED and any(pattern.match(origin) for pattern in self._shared)

    def headers_for(self, path: str, origin: str | None) -> list[tuple[str, str]]:
        """Return the CORS headers of a response."""
        if origin is None or not self.shares(path, origin):
            return []
        return [("Access-Control-Allow-Origin", origin), ("Access-Control-Expose-Headers", ", ".join(_EXPOSED))]

    def _names_our_host(self, request: Request) -> bool:
        """Return whether the Host header names our public host or this machine.

        Other names are refused even without a public_url, against DNS rebinding.
        """
        if "HTTP_HOST" not in request.environ:
            return False  # Werkzeug would use the name of the socket
        host = host_name(request.host)
        return host == self._our_host or is_loopback(host)


def install(app: Flask, http: Http) -> None:
    """Let only our own pages and those of `http.origins` call the API; serve only our host."""
    origins = Origins(http)

    def check() -> None:
        g.client_address = origins.check(request)

    def vary(response: Response) -> Response:
        response.vary.add("Origin")
        return response

    app.before_request(check)
    app.after_request(vary)
    CORS(
        app,
        # Escaped, since Flask-CORS would treat an IPv6 origin as a pattern, and ignores case.
        resources={re.compile("|".join(map(_exactly, SHARED))): {"origins": _patterns(http)}},
        methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=_EXPOSED,
        max_age=_PREFLIGHT_LIFE,
        send_wildcard=False,
        always_send=False,
    )


def _patterns(http: Http) -> list[re.Pattern[str]]:
    """Return a pattern for each of `http.origins`; “:*” is any port."""
    return [re.compile(_exactly(origin).replace(r":\*", "(:[0-9]{1,5})?")) for origin in http.origins]


def _exactly(text: str) -> str:
    return rf"^{re.escape(text)}\Z"


def client_address() -> str:
    """Return the current request's client address, which `install` has checked."""
    return str(g.client_address)


def find_client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return *peer*, or, if it is a trusted proxy, the client that it reports.

    *forwarded* are the X-Forwarded-For headers, read from their end past every trusted proxy; the rest can be forged.
    """
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    address = _parse_address(peer) or ipaddress.ip_address("127.0.0.1")
    while hops and any(address in network for network in trusted):
        hop = _parse_address(hops.pop())
        if hop is None:
            break
        address = hop
    return str(address)


@lru_cache(maxsize=64)
def host_name(host: str) -> str:
    """Return the name in *host*, a Host header, or nothing if it is malformed."""
    with suppress(ValueError):
        return urlsplit(f"//{host}").hostname or ""
    return ""


@lru_cache(maxsize=1024)
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
