"""The API's errors over HTTP (google.rpc), and messages that its WebSocket closes use too."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


class InvalidPayloadError(Exception):
    """Raised for JSON that is not a valid message; its text is the API's own error message."""


@dataclass(eq=False)
class RpcError(Exception):
    """Raised to answer an HTTP request with a google.rpc error."""

    http: HTTPStatus
    status: str
    message: str
    reason: str = ""

    def body(self) -> dict[str, object]:
        """Return the response body (https://cloud.google.com/apis/design/errors)."""
        error: dict[str, object] = {
            "code": self.http.value,
            "message": self.message,
            "status": self.status,
        }
        if self.reason:
            error["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": self.reason,
                    "domain": "googleapis.com",
                    "metadata": {"service": "generativelanguage.googleapis.com"},
                }
            ]
        return {"error": error}


UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API."
)
BAD_KEY = "API key not valid. Please pass a valid API key."


def unknown_name(name: str, path: str) -> str:
    """Return the API's message for a field that the message at *path* does not have."""
    location = f" at '{path}'" if path else ""
    return f'Invalid JSON payload received. Unknown name "{name}"{location}: Cannot find field.'


def invalid_argument(message: str) -> RpcError:
    """Build a 400 INVALID_ARGUMENT."""
    return RpcError(HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", message)


def bad_key() -> RpcError:
    """Build a 400 for an invalid API key (as seen on GET /v1beta/models)."""
    return RpcError(HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", BAD_KEY, reason="API_KEY_INVALID")


def unregistered() -> RpcError:
    """Build a 403 for a request without an API key (as seen on GET /v1beta/models)."""
    return RpcError(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", UNREGISTERED)
