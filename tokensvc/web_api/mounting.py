"""Serves the application below a path, such as https://www.example.com/voice.

The path is that of `http.public_url`, whether or not the proxy in front removes it; without one, it
is the WSGI server's SCRIPT_NAME, as another application that we are mounted in sets it. Everything
else then uses `request.path` and `request.script_root`.
"""

from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Blueprint, Request, current_app, request
from flask.typing import ResponseReturnValue

from tokensvc.config.file import Http
from tokensvc.domain import SITE_ISSUER, Principal
from tokensvc.web_api.origins import SHARED, SIGNED_IN

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def mounted(app: WSGIApplication, http: Http) -> WSGIApplication:
    """Return *app* as one for which the prefix of each request's path is moved to its SCRIPT_NAME."""
    prefix, known = http.prefix, {"wsgi.url_scheme": "https"} if http.by_https else {}

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        script, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
        # gunicorn by default believes a header of that name. A client's would hide a path from the
        # rules of the proxy in front: /x/login would be served as /login.
        claimed = environ.get("HTTP_SCRIPT_NAME", "")
        if claimed and script.startswith(claimed):
            script, path = script.removeprefix(claimed), claimed + path
        if not script and f"{path}/".startswith(f"{prefix}/"):
            path = path.removeprefix(prefix)
        if path.startswith("//"):
            # Werkzeug ignores a first slash that another follows, which would hide a path likewise.
            path = f"/.{path}"
        moved = {"SCRIPT_NAME": prefix or script, "PATH_INFO": path}
        return app(environ | known | moved, start_response)

    return serve


def blueprint(app: WSGIApplication, signed_in: Callable[[Request], Principal | None]) -> Blueprint:
    """Return *app*, ours, as a blueprint of a site; *signed_in* says who is signed in there, or returns None."""
    mount = Blueprint("tokensvc", __name__)

    @mount.route("/", defaults={"path": ""}, methods=_METHODS, provide_automatic_options=False)
    @mount.route("/<path:path>", methods=_METHODS, provide_automatic_options=False)
    def serve(path: str) -> ResponseReturnValue:
        prefix = request.path[: len(request.path) - len(path) - 1].encode().decode("latin-1")
        script, whole = request.environ.get("SCRIPT_NAME", ""), request.environ["PATH_INFO"]
        environ = {**request.environ, "SCRIPT_NAME": script + prefix, "PATH_INFO": whole.removeprefix(prefix)}
        # Here, because the site's own session and current user are out of reach while we serve.
        if f"/{path}" in SHARED and (found := signed_in(request)) is not None:
            if not isinstance(found, Principal) or found.issuer != SITE_ISSUER:
                raise TypeError("signed_in must return tokensvc.person(…) or None")
            environ[SIGNED_IN] = found
        return current_app.response_class.from_app(app, environ)

    return mount
