"""Serves POST /tool and /tool/cancel, and the keys by which backends verify who is asking."""

from typing import Any

from flask import Blueprint, Response, request
from pydantic import Field

from tokensvc.signing.tool_requests import ToolRequestSigner
from tokensvc.tooling import Told, ToolRequest, ToolService
from tokensvc.web_api import bodies, problems
from tokensvc.web_api.origins import client_address


class CancelBody(bodies.Body):
    """The body of POST /tool/cancel: a call of the conversation that the lease stands for."""

    lease: bodies.Secret = Field(description=bodies.SECRET, repr=False)
    call: bodies.Text = Field(description=bodies.TEXT)


class ToolBody(CancelBody):
    """The body of POST /tool."""

    name: bodies.Text = Field(description=bodies.TEXT)
    args: dict[str, Any] = Field(description="an object")

    def asked(self) -> ToolRequest:
        """Return the tool service's form of this request."""
        return ToolRequest(self.lease, self.call, self.name, self.args)


class ConfirmBody(ToolBody):
    """The body of POST /tool/confirm: a call as it was sent to /tool, and whether it is to take effect."""

    confirmation: bodies.Secret = Field(description=bodies.SECRET, repr=False)
    accept: bool = Field(description="true or false")


def blueprint(service: ToolService, signer: ToolRequestSigner) -> Blueprint:
    """Return the routes."""
    routes = Blueprint("tools", __name__)

    @routes.post("/tool")
    def call() -> Response:
        credentials = bodies.credentials(request, client_address())
        result = service.call(credentials, ToolBody.read(request).asked(), problems.request_id())
        if isinstance(result, Told):
            return _answer(result)
        pending = {"confirmation": result.confirmation, "hold": result.hold, "question": result.question}
        response = bodies.json_answer({"pending": {key: value for key, value in pending.items() if value is not None}})
        response.status_code = 202
        return response

    @routes.post("/tool/confirm")
    def confirm() -> Response:
        body = ConfirmBody.read(request)
        credentials = bodies.credentials(request, client_address())
        request_id = problems.request_id()
        told = service.confirm(credentials, body.asked(), body.confirmation, request_id, accept=body.accept)
        return _answer(told)

    @routes.post("/tool/cancel")
    def cancel() -> Response:
        body = CancelBody.read(request)
        service.cancel(bodies.credentials(request, client_address()), body.lease, body.call)
        return Response(status=204, headers={"Cache-Control": "no-store"})

    @routes.get("/.well-known/jwks.json")
    def keys() -> Response:
        response = bodies.json_answer(signer.key_set())
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    return routes


def _answer(told: Told) -> Response:
    scheduling = {"scheduling": told.scheduling} if told.scheduling else {}
    return bodies.json_answer({"response": told.response, **scheduling})
