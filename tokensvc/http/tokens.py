"""POST /token and GET /profiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from tokensvc.gemini.features import features_of, locked_part
from tokensvc.http import bodies, problems
from tokensvc.issuing import Order

if TYPE_CHECKING:
    from datetime import datetime

    from tokensvc.gemini.compiler import CompiledProfile
    from tokensvc.issuing import Grant, TokenService


def blueprint(service: TokenService, websocket_url: str) -> Blueprint:
    """The routes; *websocket_url* is where a browser takes its token."""
    routes = Blueprint("tokens", __name__)

    @routes.post("/token")
    def issue() -> Response:
        credentials = bodies.credentials()
        body = bodies.json_object("profile", "options", "on_behalf_of")
        if "on_behalf_of" in body:
            user = bodies.text(body, "on_behalf_of")
            credentials = replace(credentials, unverified_on_behalf_of=user)
        order = Order(bodies.text(body, "profile", "default"), bodies.texts(body, "options"))
        grant = service.issue(credentials, order, problems.request_id())
        return bodies.json_answer(_granted(grant, websocket_url))

    @routes.get("/profiles")
    def offered() -> Response:
        profiles = [_offered(compiled) for compiled in service.offered(bodies.credentials())]
        return bodies.json_answer({"profiles": profiles})

    return routes


def _granted(grant: Grant, websocket_url: str) -> dict[str, Any]:
    token, profile = grant.token, grant.compiled.profile
    setup = grant.compiled.setup_for(grant.options)
    return {
        "token": token.value,
        **_time("expires", token.expires_at, grant.at),
        **_time("new_session_expires", token.new_session_expires_at, grant.at),
        "uses": 1,
        "profile": profile.name,
        "model": profile.model,
        "websocket_url": websocket_url,
        # A full lock ignores all of a client's setup; Google's SDKs send the model all the same.
        "setup": {"model": profile.model},
        "locked": locked_part(setup),
        "features": features_of(grant.compiled),
        "lease": grant.signed_lease,
        **_time("lease_expires", grant.lease.expires_at, grant.at),
    }


def _time(name: str, at: datetime, now: datetime) -> dict[str, Any]:
    """An instant twice: as such, and in seconds from now for a client whose clock is wrong."""
    return {
        f"{name}_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"{name}_in": max(0, int((at - now).total_seconds())),
    }


def _offered(compiled: CompiledProfile) -> dict[str, Any]:
    profile = compiled.profile
    return {
        "name": profile.name,
        "description": profile.description,
        "options": {
            name: {"choices": list(option.choices), "default": option.chosen_by_default}
            for name, option in profile.options.items()
        },
        "features": features_of(compiled),
    }
