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


def unknown_name(name: str, place: str) -> str:
    """The API's sentence about a field that is none of the message at *place*."""
    at = f" at '{place}'" if place else ""
    return f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.'


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
    no_model = Close(1007, "setup.model: model is required.")
    model_changed = Close(1007, "The model cannot be changed on session resumption.")
    explicit_activity = Close(
        1007,
        "Explicit activity control is not supported when automatic activity detection is enabled.",
    )
    thinking = Close(1007, "Thinking is not supported for this model.")
    affective = Close(1007, "Affective dialog is not supported for this model.")
    proactive = Close(1007, "Proactive audio is not supported for this model.")
    not_proactive = Close(1007, "Proactive audio cannot be disabled for this model.")
    scheduling = Close(1007, "Function response scheduling is not supported for this model.")
    function_name = Close(1007, "Invalid function name. Must start with a letter or an underscore.")

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
    def unknown_field(name: str, place: str) -> Close:
        """1007 for a field that exists elsewhere only."""
        return Close(1007, unknown_name(name, place))

    @staticmethod
    def no_resource(name: str) -> Close:
        """1007 for a model that is named in no form."""
        return Close(1007, f"setup.model: {name[:40]!r} is not a resource name models/{{id}}.")

    @staticmethod
    def one_of(second: str) -> Close:
        """1007 for a message of two kinds."""
        return Close(
            1007,
            f"Invalid value at '{second}' (oneof), oneof field 'message_type' is already set. "
            f"Cannot set '{second}'",
        )

    @staticmethod
    def thinking_field(name: str) -> Close:
        """1007 for a way to think that is another model's."""
        return Close(1007, f"{name} in thinking_config is not supported for this model.")

    @staticmethod
    def thinking_level(level: str) -> Close:
        """1007 for thinking more or less than the model can."""
        return Close(1007, f"Thinking level {level} is not supported for this model.")

    @staticmethod
    def behavior(behavior: str) -> Close:
        """1007 for a function that blocks, or does not, where the model has the other only."""
        return Close(1007, f"Function behavior {behavior} is not supported for this model.")

    @staticmethod
    def enum(path: str) -> Close:
        """1007 for the choices of what is no string."""
        return Close(1007, f"{path}.enum: only allowed for STRING type")
