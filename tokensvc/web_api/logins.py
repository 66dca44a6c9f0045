"""Serves POST /login, /login/refresh and /login/end, for the service's own page only."""

from flask import Blueprint, Response, request
from pydantic import Field

from tokensvc.authn.access_tokens import LIFETIME
from tokensvc.config.file import Http
from tokensvc.errors import OriginNotAllowed, UnsupportedMediaType
from tokensvc.signing_in import LoginService, SignedIn
from tokensvc.web_api import bodies
from tokensvc.web_api.origins import client_address

_PATH = "/login"


class SignInBody(bodies.Body):
    """The body of POST /login."""

    username: bodies.Text = Field(description=bodies.TEXT)
    password: bodies.Text = Field(description=bodies.TEXT, repr=False)


def blueprint(service: LoginService, http: Http) -> Blueprint:
    """Return the routes. Browsers send the cookie to `/login` and below only."""
    routes = Blueprint("logins", __name__)
    secure = http.by_https
    # `__Host-` would be stricter than `__Secure-`, but requires the path `/`: then the cookie would
    # be sent with every request.
    name = "__Secure-tokensvc-login" if secure else "tokensvc-login"

    def to_response(signed_in: SignedIn) -> Response:
        token = {"access_token": signed_in.access_token, "token_type": "Bearer", "expires_in": LIFETIME}
        response = bodies.json_answer({"username": signed_in.username, **token})
        set_cookie(response, signed_in.cookie, signed_in.cookie_life)
        return response

    def set_cookie(response: Response, value: str, life: int) -> None:
        path = request.script_root + _PATH
        response.set_cookie(name, value, max_age=life, path=path, secure=secure, httponly=True, samesite="Strict")

    @routes.post(_PATH)
    def sign_in() -> Response:
        body = SignInBody.read(request)
        return to_response(service.sign_in(body.username, body.password, client_address()))

    @routes.post(f"{_PATH}/refresh")
    def refresh() -> Response:
        _check_sent_by_our_page()
        return to_response(service.refresh(request.cookies.get(name), client_address()))

    @routes.post(f"{_PATH}/end")
    def end() -> Response:
        _check_sent_by_our_page()
        service.sign_out(request.cookies.get(name))
        response = Response(status=204, headers={"Cache-Control": "no-store"})
        set_cookie(response, "", 0)  # deletes it
        return response

    return routes


def _check_sent_by_our_page() -> None:
    """Refuse what another site's page could send, with the cookie, without a CORS preflight, such as a form."""
    if "Origin" not in request.headers:  # its value has been checked
        raise OriginNotAllowed(cause="Origin is missing")
    if request.mimetype != "application/json":  # even without a body
        raise UnsupportedMediaType
    bodies.EmptyBody.read(request)
