"""Serves web/: read and compressed once at start, each file at its own path."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tokensvc.configuration import Http

_SERVED = {".html", ".js", ".css", ".svg", ".png", ".json", ".webmanifest"}
_NOT_SERVED = {"package.json", "tsconfig.json", "tsconfig.worklet.json"}


@dataclass(frozen=True)
class Asset:
    """A file of web/, as it is and compressed."""

    content: bytes
    compressed: bytes
    media_type: str
    digest: str


def web_folder() -> Path:
    """The folder web/: inside the package where it was installed, beside it in a clone."""
    package = Path(__file__).parents[1]
    inside = package / "web"
    return inside if inside.is_dir() else package.parent / "web"


def read_assets(folder: Path) -> dict[str, Asset]:
    """Every file below *folder* that a browser may have, by its path in POSIX form."""
    return {
        path.relative_to(folder).as_posix(): _asset(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix in _SERVED
        and path.name not in _NOT_SERVED
        and "node_modules" not in path.parts
    }


def blueprint(assets: Mapping[str, Asset], http: Http, websocket_url: str) -> Blueprint:
    """The routes; the page may talk to us and to *websocket_url*'s origin, and to nobody else."""
    routes = Blueprint("assets", __name__)
    policy = _policy(http, websocket_url)

    @routes.get("/")
    def page() -> Response:
        response = _sent(assets["index.html"])
        response.headers["Content-Security-Policy"] = policy
        response.headers["Permissions-Policy"] = (
            "microphone=(self), camera=(self), display-capture=(self), screen-wake-lock=(self), "
            "geolocation=()"
        )
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response

    def asset(name: str) -> Response:
        response = _sent(assets[name])
        # A module script and a worklet are CORS fetches, also from a page of another site.
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    for name in assets.keys() - {"index.html"}:
        # A rule for each, so that every other address is still a 404, or a 405, of its own.
        routes.add_url_rule(f"/{name}", "asset", asset, defaults={"name": name})
    return routes


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if path.suffix == ".js":
        media_type = "text/javascript"  # whatever this machine's table says
    return Asset(
        content=content,
        compressed=gzip.compress(content, 9, mtime=0),
        media_type=media_type,
        digest=hashlib.sha256(content).hexdigest()[:32],
    )


def _sent(asset: Asset) -> Response:
    compress = request.accept_encodings["gzip"] > 0
    response = Response(
        asset.compressed if compress else asset.content, content_type=_content_type(asset)
    )
    if compress:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(asset.digest + ("-gzip" if compress else ""))
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response


def _content_type(asset: Asset) -> str:
    return f"{asset.media_type}; charset=utf-8"


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
