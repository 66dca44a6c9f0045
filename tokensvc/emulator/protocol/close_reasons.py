"""What closes the WebSocket: every close code, and the reason that the API sends with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokensvc.emulator.protocol.errors import BAD_KEY, UNREGISTERED, unknown_name

if TYPE_CHECKING:
    from tokensvc.emulator.protocol.errors import InvalidPayloadError

# A close frame has room for 125 bytes, two of them the code (RFC 6455, 5.5).
REASON_BYTES = 123
# Codes that are for local use and must not be sent (RFC 6455, 7.4.1).
RESERVED_CODES = frozenset({1004, 1005, 1006, 1015})


@dataclass(frozen=True)
class Close:
    """A WebSocket close: *code* and *reason*."""

    code: int
    reason: str

    def reason_bytes(self) -> bytes:
        """Encode the reason, cut at a character boundary to what a close frame can carry."""
        return self.reason.encode()[:REASON_BYTES].decode(errors="ignore").encode()


def is_sendable(code: int) -> bool:
    """Return whether *code* may be sent in a close frame (RFC 6455, 7.4)."""
    return (code in range(1000, 1015) and code not in RESERVED_CODES) or code in range(3000, 5000)


class CloseError(Exception):
    """Raised to close the WebSocket with *close*.

    Args:
        delay: Seconds to wait first. Only a refusal of the first frame waits.
    """

    def __init__(self, close: Close, delay: float = 0.0) -> None:
        super().__init__(close)
        self.close = close
        self.delay = delay


class CloseReasons:
    """Every close of a session because of an error, by name.

    Faults and scenarios build their own, and server/websocket.py the one for a shutdown. Most
    reasons are the real service's, word for word. docs/emulator.md lists the ones that we worded
    because the real ones are not known.
    """

    invalid_argument = Close(1007, "Request contains an invalid argument.")
    media_chunks = Close(1007, "realtime_input.media_chunks is deprecated. Use audio, video, or text instead.")
    bad_key = Close(1007, BAD_KEY)
    unregistered = Close(1008, UNREGISTERED)
    project_scoped = Close(1007, "token-based requests cannot use project-scoped features such as tuned models")
    unknown_token = Close(1011, "Token not found")
    used_up = Close(1011, "Token has been used too many times")
    token_expired = Close(1011, "Token has expired")
    window_passed = Close(1011, "Token's new_session_expire_time has passed")
    expired_mid_session = Close(1011, "auth token has expired")
    # As it arrives: cut to what a close frame can carry.
    session_over = Close(
        1008,
        "Connection aborted because the client failed to close the connection after receiving a "
        "GoAway signal once the session durat",
    )
    session_not_found = Close(1008, "BidiGenerateContent session not found")
    session_expired = Close(1008, "BidiGenerateContent session expired")
    not_supported = Close(1008, "Operation is not implemented, or supported, or enabled.")
    internal = Close(1011, "Internal error encountered.")
    precondition = Close(1007, "Precondition check failed.")
    no_model = Close(1007, "setup.model: model is required.")
    model_changed = Close(1007, "The model cannot be changed on session resumption.")
    explicit_activity = Close(
        1007,
        "Explicit activity control is not supported when automatic activity detection is enabled.",
    )
    thinking = Close(1007, "Thinking is not supported for this model.")
    proactive = Close(1007, "Proactive audio is not supported for this model.")
    not_proactive = Close(1007, "Proactive audio cannot be disabled for this model.")
    scheduling = Close(1007, "Function response scheduling is not supported for this model.")
    function_name = Close(1007, "Invalid function name. Must start with a letter or an underscore.")

    @staticmethod
    def payload(error: InvalidPayloadError) -> Close:
        """Return 1007 with the JSON parser's message."""
        return Close(1007, str(error))

    @staticmethod
    def modalities(named: str) -> Close:
        """Return 1007 for response modalities that the model does not support."""
        return Close(
            1007,
            f"The requested combination of response modalities ({named}) is not supported by the model",
        )

    @staticmethod
    def model_not_found(model: str, version: str) -> Close:
        """Return 1008 for a model that does not exist."""
        return Close(
            1008,
            f"{model} is not found for API version {version}, or is not supported for bidiGenerateContent.",
        )

    @staticmethod
    def unknown_field(name: str, path: str) -> Close:
        """Return 1007 for a field that this API version does not have."""
        return Close(1007, unknown_name(name, path))

    @staticmethod
    def no_resource(name: str) -> Close:
        """Return 1007 for a model that is not named as a resource."""
        return Close(1007, f"setup.model: {name[:40]!r} is not a resource name models/{{id}}.")

    @staticmethod
    def one_of(second: str) -> Close:
        """Return 1007 for a message with two of its alternatives set."""
        return Close(
            1007,
            f"Invalid value at '{second}' (oneof), oneof field 'message_type' is already set. Cannot set '{second}'",
        )

    @staticmethod
    def thinking_field(name: str) -> Close:
        """Return 1007 for a thinkingConfig field that this model does not have."""
        return Close(1007, f"{name} in thinking_config is not supported for this model.")

    @staticmethod
    def thinking_level(level: str) -> Close:
        """Return 1007 for a thinking level that this model does not have."""
        return Close(1007, f"Thinking level {level} is not supported for this model.")

    @staticmethod
    def behavior(behavior: str) -> Close:
        """Return 1007 for a function behavior that this model does not have."""
        return Close(1007, f"Function behavior {behavior} is not supported for this model.")

    @staticmethod
    def enum(path: str) -> Close:
        """Return 1007 for an enum on a schema that is not a string."""
        return Close(1007, f"{path}.enum: only allowed for STRING type")
