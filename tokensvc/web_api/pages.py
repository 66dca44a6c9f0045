"""Serves our own pages; their Content-Security-Policy allows only our files and Google."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, request

from tokensvc.config.file import Http
from tokensvc.web_api.assets import asset_response
from tokensvc.web_api.releases import Release

_PAGES = {"/": "index.html", "/embed": "embed.html"}


def blueprint(release: Release, http: Http, websocket_url: str) -> Blueprint:
    """Return the routes; the pages may connect to us and to the origin of *websocket_url*."""
    routes = Blueprint("pages", __name__)
    parts = urlsplit(websocket_url)
    websocket = f"{parts.scheme}://{parts.netloc}"
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"media-src 'self' blob:; frame-src 'self'; connect-src 'self' {websocket}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
        f"trusted-types 'none'; frame-ancestors {' '.join(http.frame_ancestors)}"
    )

    def page(name: str) -> Response:
        response = asset_response(release.pages[name])
        response.headers["Content-Security-Policy"] = policy
        response.headers["Permissions-Policy"] = (
            "microphone=(self), camera=(self), display-capture=(self), screen-wake-lock=(self), geolocation=()"
        )
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response

    for path, name in _PAGES.items():
        routes.add_url_rule(path, "page", page, defaults={"name": name})

    @routes.get("/embed.json")
    def deployment() -> Response:
        """Return what a site that embeds the widget has to list in its policy."""
        service = http.public_url or request.url_root.rstrip("/")
        response = jsonify(service=service, websocket=websocket)
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes
