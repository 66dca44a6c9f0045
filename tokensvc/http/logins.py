"""POST /login, for the service's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from tokensvc.authn.access_tokens import LIFETIME
from tokensvc.http import bodies
from tokensvc.http.origins import client_address

if TYPE_CHECKING:
    from tokensvc.signing_in import LoginService


def blueprint(service: LoginService) -> Blueprint:
    """The route."""
    routes = Blueprint("logins", __name__)

    @routes.post("/login")
    def sign_in() -> Response:
        body = bodies.json_object("username", "password")
        token = service.sign_in(
            bodies.text(body, "username"), bodies.text(body, "password"), client_address()
        )
        return bodies.json_answer(
            {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME}
        )

    return routes
