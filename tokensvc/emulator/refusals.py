"""How the API says no: google.rpc errors over HTTP, close codes with reasons on the socket."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

# A close frame has room for 125 bytes, two of them the code (RFC 6455, 5.5).
REASON_BYTES = 123
# Codes that stand for something on this side and never go over the wire (RFC 6455, 7.4.1).
UNSENDABLE = frozenset({1004, 1005, 1006, 1015})


class InvalidPayloadError(Exception):
    """Raised when JSON is not the message it should be; its text is the API's own sentence."""


@dataclass(eq=False)
class RefusedError(Exception):
    """Raised to answer an HTTP request with a google.rpc error."""

    http: HTTPStatus
    status: str
    message: str
    reason: str = ""

    def body(self) -> dict[str, object]:
        """The error as the API writes it (https://cloud.google.com/apis/design/errors)."""
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


@dataclass(frozen=True)
class Close:
    """A WebSocket close: *code* and *reason*."""

    code: int
    reason: str

    def reason_bytes(self) -> bytes:
        """The reason, cut to what a close frame can carry, never within a character."""
        return self.reason.encode()[:REASON_BYTES].decode(errors="ignore").encode()


def closes_with(code: int) -> bool:
    """Whether *code* may stand in a close frame (RFC 6455, 7.4)."""
    return (code in range(1000, 1015) and code not in UNSENDABLE) or code in range(3000, 5000)


class ClosedError(Exception):
    """Raised to close the socket as *close* says."""

    def __init__(self, close: Close) -> None:
        super().__init__(close)
        self.close = close


UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API."
)
BAD_KEY = "API key not valid. Please pass a valid API key."


def invalid_argument(message: str) -> RefusedError:
    """A 400 for a request that will never be right."""
    return RefusedError(HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", message)


def bad_key() -> RefusedError:
    """A 400 for a key that is none (seen on GET /v1beta/models)."""
    return RefusedError(
        HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", BAD_KEY, reason="API_KEY_INVALID"
    )


def unregistered() -> RefusedError:
    """A 403 for a request with no key at all (seen on GET /v1beta/models)."""
    return RefusedError(HTTPStatus.FORBIDDEN, "PERMISSION_DENIED", UNREGISTERED)


class Closes:
    """Every close of the emulator's own accord, by name.

    Most reasons are the service's own, word for word; docs/emulator.md marks those that are ours
    because no report of the real one exists.
    """

    invalid_argument = Close(1007, "Request contains an invalid argument.")
    media_chunks = Close(
        1007, "realtime_input.media_chunks is deprecated. Use audio, video, or text instead."
    )
    bad_key = Close(1007, BAD_KEY)
    unregistered = Close(1008, UNREGISTERED)
    project_scoped = Close(
        1007, "token-based requests cannot use project-scoped features such as tuned models"
    )
    unknown_token = Close(1011, "Token not found")
    used_up = Close(1011, "Token has been used too many times")
    token_expired = Close(1011, "Token has expired")
    window_passed = Close(1011, "Token's new_session_expire_time has passed")
    expired_mid_session = Close(1011, "auth token has expired")
    deadline = Close(1011, "Deadline expired before operation could complete.")
    still_open = Close(1011, "Session is still open on another connection")
    session_not_found = Close(1008, "BidiGenerateContent session not found")
    session_expired = Close(1008, "BidiGenerateContent session expired")
    bad_handle = Close(1008, "Invalid session resumption handle")
    setup_first = Close(1007, "setup must be the first message and only the first")
    not_supported = Close(1008, "Operation is not implemented, or supported, or enabled.")
    internal = Close(1011, "Internal error encountered.")

    @staticmethod
    def payload(error: InvalidPayloadError) -> Close:
        """1007 in the words of the JSON reader."""
        return Close(1007, str(error))

    @staticmethod
    def modalities(named: str) -> Close:
        """1007 for an answer in a modality that the model does not speak."""
        return Close(
            1007,
            f"The requested combination of response modalities ({named}) is not supported by "
            "the model",
        )

    @staticmethod
    def model_not_found(model: str, version: str) -> Close:
        """1008 for a model that is nowhere."""
        return Close(
            1008,
            f"{model} is not found for API version {version}, or is not supported for "
            "bidiGenerateContent.",
        )

    @staticmethod
    def argument(sentence: str) -> Close:
        """1007 with a sentence that names the argument."""
        return Close(1007, sentence)
