"""Serves POST /token, POST /lease/end and GET /profiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from flask import Blueprint, Response
from pydantic import Field, model_validator

from tokensvc.issuing import TokenRequest
from tokensvc.web_api import bodies, problems, quotas
from tokensvc.web_api.origins import client_address

if TYPE_CHECKING:
    from datetime import datetime

    from tokensvc.gemini.compiler import CompiledProfile
    from tokensvc.issuing import Grant, TokenService


class TokenBody(bodies.Body):
    """The body of POST /token: a new conversation, or the lease of one to continue."""

    profile: bodies.Text = Field("default", description=bodies.TEXT)
    options: dict[str, str] = Field({}, description="an object whose values are strings")
    on_behalf_of: bodies.Text | None = Field(None, description=bodies.TEXT)
    lease: bodies.Secret | None = Field(None, description=bodies.SECRET, repr=False)
    resumption_handle: bodies.Secret | None = Field(None, description=bodies.SECRET, repr=False)
    rebuild: bool = Field(default=False, description="true or false")

    @model_validator(mode="after")
    def _lease_excludes_choices(self) -> Self:
        if self.lease is not None and self.model_fields_set & {"profile", "options"}:
            raise ValueError("Leave “profile” and “options” out: the lease determines both.")
        if self.lease is None and self.resumption_handle is not None:
            raise ValueError("A “resumption_handle” needs the “lease” of its conversation.")
        if self.rebuild and (self.lease is None or self.resumption_handle is not None):
            raise ValueError("“rebuild” needs a “lease”, and excludes a “resumption_handle”.")
        return self

    def token_request(self) -> TokenRequest:
        """Return the token service's form of this request."""
        return TokenRequest(
            self.profile, self.options, self.lease, self.resumption_handle, self.rebuild
        )


class LeaseBody(bodies.Body):
    """The body of POST /lease/end."""

    lease: bodies.Secret = Field(description=bodies.SECRET, repr=False)


def blueprint(service: TokenService, websocket_url: str) -> Blueprint:
    """Return the routes; *websocket_url* is where a browser uses its token."""
    routes = Blueprint("tokens", __name__)

    @routes.post("/token")
    def issue() -> Response:
        credentials = bodies.credentials()
        body = TokenBody.read()
        credentials = replace(credentials, unverified_on_behalf_of=body.on_behalf_of)
        grant = service.issue(credentials, body.token_request(), problems.request_id())
        response = bodies.json_answer(_granted(grant, websocket_url))
        quotas.write(response, grant.reservation.quotas)
        return response

    @routes.post("/lease/end")
    def end() -> Response:
        service.end(LeaseBody.read().lease, problems.request_id(), client_address())
        return Response(status=204, headers={"Cache-Control": "no-store"})

    @routes.get("/profiles")
    def offered() -> Response:
        profiles = [_offered(compiled) for compiled in service.offered(bodies.credentials())]
        return bodies.json_answer({"profiles": profiles})

    return routes


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
        # A full lock ignores the client's setup, but Google's documentation is not clear about the
        # handle. So the handle is in the setup as well as in the token.
        "setup": setup,
        "locked": grant.compiled.locked_for(grant.lease.options),
        "features": grant.compiled.features,
        "lease": grant.signed_lease,
        **_time("lease_expires", grant.lease.expires_at, grant.at),
    }


def _time(name: str, at: datetime, now: datetime) -> dict[str, Any]:
    """Return *at* as a time, and in seconds from *now* for a client whose clock is wrong."""
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
        "features": compiled.features,
    }
