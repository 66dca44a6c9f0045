"""Who is calling: an API key or a token, in any of the ways either may be presented."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tokensvc.emulator.protocol.errors import ClosedError, Closes, bad_key, unregistered
from tokensvc.emulator.provisioning.tokens import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAUSIBLE = re.compile(r"[A-Za-z0-9_.\-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class Presented:
    """What a request carried.

    Attributes:
        key: From the header ``x-goog-api-key`` or the query's ``key``.
        token: From ``Authorization: Token …`` or the query's ``access_token``.
    """

    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @staticmethod
    def by(headers: Mapping[str, str], query: Mapping[str, str]) -> Presented:
        """Read a request. The Python SDK sends a token in both headers at once."""
        scheme, _, value = headers.get("Authorization", "").partition(" ")
        token = value.strip() if scheme.lower() == "token" else ""
        return Presented(
            key=headers.get("x-goog-api-key") or query.get("key", ""),
            token=token or query.get("access_token", ""),
        )

    def form(self) -> Literal["token", "key", "none"]:
        """Which kind of credential this is, a token before a key."""
        return "token" if self.token else "key" if self.key else "none"


@dataclass(frozen=True)
class Keys:
    """The API keys that are taken; none named takes any that looks like one."""

    named: tuple[str, ...] = field(default=(), repr=False)

    def take(self, key: str) -> bool:
        """Whether *key* is good."""
        if key.startswith(PREFIX) or not _PLAUSIBLE.fullmatch(key):
            return False
        if not self.named:
            return True
        return any(hmac.compare_digest(key.encode(), named.encode()) for named in self.named)

    def check_request(self, presented: Presented) -> None:
        """Hold an HTTP request to a key.

        Raises:
            RefusedError: 403 without one, 400 for a bad one.
        """
        if not presented.key:
            raise unregistered()
        if not self.take(presented.key):
            raise bad_key()

    def check_socket(self, presented: Presented) -> None:
        """Hold the plain method's socket to a key; a token there is no credential at all.

        Raises:
            ClosedError: 1008 without a key, 1007 for a bad one.
        """
        if not presented.key:
            raise ClosedError(Closes.unregistered)
        if not self.take(presented.key):
            raise ClosedError(Closes.bad_key)
