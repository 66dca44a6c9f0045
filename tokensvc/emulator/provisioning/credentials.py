"""Credentials: an API key or a token, in every place where a request may carry them."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tokensvc.emulator.protocol.close_reasons import CloseError, CloseReasons
from tokensvc.emulator.protocol.errors import bad_key, unregistered
from tokensvc.emulator.provisioning.tokens import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAUSIBLE = re.compile(r"[A-Za-z0-9_.\-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class Credentials:
    """The credentials of a request.

    Attributes:
        key: From the header ``x-goog-api-key`` or the query parameter ``key``.
        token: From ``Authorization: Token …`` or the query parameter ``access_token``.
    """

    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @staticmethod
    def from_request(headers: Mapping[str, str], query: Mapping[str, str]) -> Credentials:
        """Read a request's credentials. The Python SDK sends a token in both headers at once."""
        scheme, _, value = headers.get("Authorization", "").partition(" ")
        token = value.strip() if scheme.lower() == "token" else ""
        return Credentials(
            key=headers.get("x-goog-api-key") or query.get("key", ""),
            token=token or query.get("access_token", ""),
        )

    def kind(self) -> Literal["token", "key", "none"]:
        """Return the kind of credential; a token takes precedence over a key."""
        return "token" if self.token else "key" if self.key else "none"


@dataclass(frozen=True)
class ApiKeys:
    """The accepted API keys; if none are configured, every plausible key is accepted."""

    configured: tuple[str, ...] = field(default=(), repr=False)

    def accepts(self, key: str) -> bool:
        """Return whether *key* is accepted."""
        if key.startswith(PREFIX) or not _PLAUSIBLE.fullmatch(key):  # a token is not a key
            return False
        if not self.configured:
            return True
        return any(hmac.compare_digest(key.encode(), known.encode()) for known in self.configured)

    def check_request(self, credentials: Credentials) -> None:
        """Require a valid key for an HTTP request.

        Raises:
            RpcError: 403 without a key, 400 for an invalid one.
        """
        if not credentials.key:
            raise unregistered()
        if not self.accepts(credentials.key):
            raise bad_key()

    def check_socket(self, credentials: Credentials) -> None:
        """Require a valid key for a socket on `BidiGenerateContent`, which accepts no tokens.

        Raises:
            CloseError: 1008 without a key, 1007 for an invalid one.
        """
        if not credentials.key:
            raise CloseError(CloseReasons.unregistered)
        if not self.accepts(credentials.key):
            raise CloseError(CloseReasons.bad_key)
