"""Serves the service's own page, which may load our files and call Google, and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Response

from tokensvc.http.assets import sent

if TYPE_CHECKING:
    from tokensvc.configuration import Http
    from tokensvc.http.releases import Release


def blueprint(release: Release, http: Http, websocket_url: str) -> Blueprint:
    """The routes; the page may talk to us and to *websocket_url*'s origin."""
    routes = Blueprint("pages", __name__)
    policy = _policy(http, websocket_url)

    @routes.get("/")
    def page() -> Response:
        response = sent(release.pages["index.html"])
        response.headers["Content-Security-Policy"] = policy
        response.headers["Permissions-Policy"] = (
            "microphone=(self), camera=(self), display-capture=(self), screen-wake-lock=(self), "
            "geolocation=()"
        )
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response

    return routes


def _policy(http: Http, websocket_url: str) -> str:
    parts = urlsplit(websocket_url)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "media-src 'self' blob:",
            f"connect-src 'self' {parts.scheme}://{parts.netloc}",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {' '.join(http.frame_ancestors)}",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )
