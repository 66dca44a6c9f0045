"""Which other sites' pages may call, and which hosts and addresses are believed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask_cors import CORS

from tokensvc.errors import InvalidHost, OriginNotAllowed
from tokensvc.settings import is_loopback

if TYPE_CHECKING:
    from tokensvc.configuration import Http

_EXPOSED = ["Retry-After", "X-Request-Id"]
_PREFLIGHT_LIFE = 7200  # seconds: the most that Chromium honours


def install(app: Flask, http: Http) -> None:
    """Let the pages of `http.origins` call the API, and no others; answer for our own host only."""

    def refuse_other_hosts() -> None:
        host = urlsplit(f"//{request.host}").hostname or ""
        ours = urlsplit(http.public_url).hostname if http.public_url else None
        # Without a public_url we serve this machine alone: another name is a page that rebinds it.
        if host != ours and not is_loopback(host):
            raise InvalidHost(cause="a foreign Host header")

    def refuse_other_origins() -> None:
        origin = request.headers.get("Origin")
        if request.method != "POST" or origin is None or origin in http.origins:
            return
        if origin != _own_origin(http):
            raise OriginNotAllowed(cause="an Origin that is not listed")

    def vary(response: Response) -> Response:
        response.vary.add("Origin")
        return response

    app.before_request(refuse_other_hosts)
    app.before_request(refuse_other_origins)
    app.after_request(vary)
    CORS(
        app,
        resources={r"^/(token|profiles)$": {"origins": list(http.origins)}},
        methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=_EXPOSED,
        max_age=_PREFLIGHT_LIFE,
        send_wildcard=False,
        always_send=False,
    )


def refuse_other_pages(http: Http, *, named: bool = False) -> None:
    """Refuse the pages of every other site, listed or not, and where *named* who names none.

    Raises:
        OriginNotAllowed: for them.
    """
    origin = request.headers.get("Origin")
    if (origin is None and named) or (origin is not None and origin != _own_origin(http)):
        raise OriginNotAllowed(cause="an Origin that is not our own")


def _own_origin(http: Http) -> str:
    return http.public_url or request.host_url.rstrip("/")


def client_address() -> str:
    """The address that the request came from."""
    return request.remote_addr or "127.0.0.1"
