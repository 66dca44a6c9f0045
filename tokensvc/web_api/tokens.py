"""POST /token, POST /lease/end and GET /profiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from tokensvc.errors import InvalidRequest
from tokensvc.gemini.features import features_of, locked_part
from tokensvc.issuing import Order
from tokensvc.web_api import bodies, problems, quotas
from tokensvc.web_api.origins import client_address

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
        body = bodies.json_object(
            "profile", "options", "on_behalf_of", "lease", "resumption_handle"
        )
        if "on_behalf_of" in body:
            user = bodies.text(body, "on_behalf_of")
            credentials = replace(credentials, unverified_on_behalf_of=user)
        grant = service.issue(credentials, _order(body), problems.request_id())
        response = bodies.json_answer(_granted(grant, websocket_url))
        quotas.write(response, grant.reservation.quotas)
        return response

    @routes.post("/lease/end")
    def end() -> Response:
        body = bodies.json_object("lease")
        lease = bodies.text(body, "lease", longest=bodies.LONGEST_SECRET)
        service.end(lease, problems.request_id(), client_address())
        return Response(status=204, headers={"Cache-Control": "no-store"})

    @routes.get("/profiles")
    def offered() -> Response:
        profiles = [_offered(compiled) for compiled in service.offered(bodies.credentials())]
        return bodies.json_answer({"profiles": profiles})

    return routes


def _order(body: dict[str, Any]) -> Order:
    """What *body* asks for.

    Raises:
        InvalidRequest: for a body that is not in the contract.
    """
    order = Order(
        bodies.text(body, "profile", "default"),
        bodies.texts(body, "options"),
        bodies.secret(body, "lease"),
        bodies.secret(body, "resumption_handle"),
    )
    if order.unverified_lease is not None and ("profile" in body or "options" in body):
        raise InvalidRequest("A lease has its profile and options: leave both out.")
    if order.unverified_lease is None and order.resumption_handle is not None:
        raise InvalidRequest("A “resumption_handle” needs the “lease” of its conversation.")
    return order


def _granted(grant: Grant, websocket_url: str) -> dict[str, Any]:
    token, profile = grant.token, grant.compiled.profile
    setup: dict[str, Any] = {"model": profile.model}
    if grant.resumption_handle is not None:
        setup["sessionResumption"] = {"handle": grant.resumption_handle}
    return {
        "token": token.value,
        **_time("expires", token.expires_at, grant.at),
        **_time("new_session_expires", token.new_session_expires_at, grant.at),
        "uses": 1,
        "profile": profile.name,
        "model": profile.model,
        "websocket_url": websocket_url,
        # A full lock ignores a client's setup; but Google's pages differ on whether a handle in it
        # counts, so it stands in both.
        "setup": setup,
        "locked": locked_part(grant.compiled.setup_for(grant.lease.options)),
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
