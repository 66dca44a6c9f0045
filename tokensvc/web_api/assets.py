"""Serves the scripts and styles that pages load.

`/assets/<digest>/…` are the files of one release, which a browser may cache forever, so that a page
never mixes two releases. `/…` are the current release's files, and `/widget.js` redirects to its
widget. `/suggestions` is a frame for any site: what its page sends it is shown there, sandboxed.
"""

from http import HTTPStatus

from flask import Blueprint, Response, request

from tokensvc.errors import InvalidRequest, NotFound
from tokensvc.web_api.releases import Asset, Release

_FOREVER = "public, max-age=31536000, immutable"
_WIDGET = "widget.js"
_WIDGET_LIFE = 60  # seconds that a browser may keep using the release it was sent
# Google's Search Suggestions bring styles and pictures of their own, and open Google's pages.
_FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src https: data:; "
    "form-action 'none'; frame-ancestors *; "
    "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
)


def blueprint(release: Release) -> Blueprint:
    """Return the routes for the files of *release*."""
    routes = Blueprint("assets", __name__)

    @routes.get("/assets/<digest>/<path:name>")
    def part_of_a_release(digest: str, name: str) -> Response:
        if digest != release.digest:
            raise NotFound("This file belongs to a different release than the one served: load the page again.")
        if name not in release.parts:
            raise NotFound
        return asset_response(release.parts[name], _FOREVER)

    @routes.get(f"/{_WIDGET}")
    def widget() -> Response:
        # Its imports are relative, so they load from the same release.
        location = f"{request.script_root}/assets/{release.digest}/{_WIDGET}"
        caching = f"public, max-age={_WIDGET_LIFE}"
        return Response(status=302, headers={"Location": location, "Cache-Control": caching})

    def part(name: str) -> Response:
        return asset_response(release.parts[name])

    for name in release.parts.keys() - {_WIDGET}:
        # One rule for each file, so that every other path keeps its own 404 or 405.
        routes.add_url_rule(f"/{name}", "part", part, defaults={"name": name})

    @routes.get("/suggestions")
    def suggestions() -> Response:
        response = asset_response(release.pages["suggestions.html"])
        response.headers["Content-Security-Policy"] = _FRAME_POLICY
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @routes.after_app_request
    def open_to_every_site(response: Response) -> Response:
        # Browsers load module scripts and worklets by CORS. Errors get the headers too, because
        # otherwise the page of another site could not read what went wrong.
        name = request.path.removeprefix("/")
        if name.startswith("assets/") or name == _WIDGET or name in release.parts:
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    return routes


def asset_response(asset: Asset, caching: str = "no-cache") -> Response:
    """Return *asset*, or 304 if the browser has it already.

    Raises:
        InvalidRequest: if a precondition in the request does not hold.
    """
    compress = request.accept_encodings["gzip"] > 0
    response = Response(
        asset.compressed if compress else asset.content, content_type=f"{asset.media_type}; charset=utf-8"
    )
    if compress:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(asset.digest + ("-gzip" if compress else ""))
    response.headers["Cache-Control"] = caching
    response.make_conditional(request)
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        # Raised, so that the body is a problem document, as for every other error.
        raise InvalidRequest("The precondition does not match the current content of this file.")
    return response
