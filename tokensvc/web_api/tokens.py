"""Serves POST /token, POST /lease/end and GET /profiles."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Blueprint, Response, request
from pydantic import Field, model_validator
from werkzeug import Request

from tokensvc.config.file import Http
from tokensvc.errors import NotFound, Refusal
from tokensvc.gemini.compiler import CompiledProfile
from tokensvc.issuing import Grant, TokenRequest, TokenService
from tokensvc.web_api import bodies, observing, problems
from tokensvc.web_api.headers import quota_headers, security_headers
from tokensvc.web_api.origins import Origins, client_address

_PATH = "/token"
_ERROR = "tokensvc.error"  # in a request's WSGI environment: why it has no token


class TokenBody(bodies.Body):
    """The body of POST /token: a new conversation, or the lease of one to continue."""

    profile: bodies.Text = Field("default", description=bodies.TEXT)
    options: dict[str, str] = Field({}, description="an object whose values are strings")
    on_behalf_of: bodies.Text | None = Field(None, description=bodies.TEXT)
    context: dict[str, str] = Field({}, description="an object whose values are strings", repr=False)
    lease: bodies.Secret | None = Field(None, description=bodies.SECRET, repr=False)
    resumption_handle: bodies.Secret | None = Field(None, description=bodies.SECRET, repr=False)
    rebuild: bool = Field(default=False, description="true or false")
    usage: Any = Field(None, description="an object")

    @model_validator(mode="after")
    def _lease_excludes_choices(self) -> Self:
        if self.lease is not None and self.model_fields_set & {"profile", "options", "context"}:
            raise ValueError("Leave “profile”, “options” and “context” out: the lease determines them.")
        if self.lease is None and self.resumption_handle is not None:
            raise ValueError("A “resumption_handle” needs the “lease” of its conversation.")
        if self.rebuild and (self.lease is None or self.resumption_handle is not None):
            raise ValueError("“rebuild” needs a “lease”, and excludes a “resumption_handle”.")
        return self

    def token_request(self) -> TokenRequest:
        """Return the token service's form of this request."""
        return TokenRequest(
            self.profile, self.options, self.lease, self.resumption_handle, self.rebuild, self.context, self.usage
        )


class LeaseBody(bodies.Body):
    """The body of POST /lease/end."""

    lease: bodies.Secret = Field(description=bodies.SECRET, repr=False)
    usage: Any = Field(None, description="an object")


class TokenEndpoint:
    """Answers POST /token, and hands other requests to *app*, which is Flask's.

    Flask's dispatch costs a fifth of such a request. What it has to answer is raised there again, as by a route.
    """

    def __init__(self, app: WSGIApplication, service: TokenService, http: Http, websocket_url: str) -> None:
        """*websocket_url* is where a browser uses its token."""
        self._app = app
        self._service = service
        self._http = http
        self._origins = Origins(http)
        self._websocket_url = websocket_url

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        if environ["REQUEST_METHOD"] != "POST" or environ["PATH_INFO"] != _PATH:
            return self._app(environ, start_response)
        request_id, route = observing.request_id(environ), f"POST {_PATH}"
        try:
            grant = self._issue(Request(environ), request_id)
            content = json.dumps(_granted(grant, self._websocket_url)).encode()
        except Refusal as refusal:
            status, media_type, headers = HTTPStatus(refusal.status), problems.MEDIA_TYPE, problems.headers(refusal)
            content = problems.document(refusal, request_id).encode()
            problems.record(environ, refusal, _PATH, route)
        except Exception as error:  # noqa: BLE001 - raised again by the route
            environ[_ERROR] = error
            return self._app(environ, start_response)
        else:
            status, media_type = HTTPStatus.OK, "application/json"
            headers = [("Cache-Control", "no-store"), *quota_headers(grant.reservation.quotas)]
            observing.record(environ, "token granted", rule=_PATH, route=route, status=status)
        start_response(
            f"{status} {status.phrase}",
            [
                ("Content-Type", media_type),
                ("Content-Length", str(len(content))),
                ("Vary", "Authorization, Origin"),
                ("X-Request-Id", request_id),
                *headers,
                *self._origins.headers_for(_PATH, environ.get("HTTP_ORIGIN")),
                *security_headers(self._http, environ["wsgi.url_scheme"]),
            ],
        )
        return [content]

    def _issue(self, request: Request, request_id: str) -> Grant:
        address = self._origins.check(request)
        request.max_content_length = bodies.MOST_READ
        credentials = bodies.credentials(request, address)
        body = TokenBody.read(request)
        if body.on_behalf_of is not None:
            credentials = replace(credentials, unverified_on_behalf_of=body.on_behalf_of)
        return self._service.issue(credentials, body.token_request(), request_id)


def blueprint(service: TokenService) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("tokens", __name__)

    @routes.post("/token")
    def refuse() -> Response:
        raise request.environ.get(_ERROR) or NotFound

    @routes.post("/lease/end")
    def end() -> Response:
        body = LeaseBody.read(request)
        service.end(body.lease, problems.request_id(), client_address(), body.usage)
        return Response(status=204, headers={"Cache-Control": "no-store"})

    @routes.get("/profiles")
    def offered() -> Response:
        profiles = [_offered(compiled) for compiled in service.offered(bodies.credentials(request, client_address()))]
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
        f"{name}_at": f"{at.replace(tzinfo=None).isoformat(timespec='seconds')}Z",
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
